"""What is on the page that a person looks at: signed into the page, sent with each request, read again here.

The browser carries it and cannot change it: it is signed for one person, one server, and some hours. It
is not encrypted. An object travels as its key alone, and is fetched and held against the person's
rights at the time of use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from django.apps import apps
from django.core import signing
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.core.signing import JSONSerializer

from .context import ChatKitContext
from .logs import logger

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest

HEADER = "X-ChatKit-Page"
SALT = "django_chatkit.page"
PAGE_SECONDS = 12 * 60 * 60
MAX_LENGTH = 4000
"""Characters of a header that every server and proxy takes."""


class Serializer(JSONSerializer):
    """JSON with dates, decimals and lazy translations."""

    def dumps(self, obj: Any) -> bytes:
        return DjangoJSONEncoder(separators=(",", ":")).encode(obj).encode()


@dataclass
class Page:
    """A page as its template described it: facts, and the key of an object."""

    facts: dict[str, Any] = field(default_factory=dict)
    model: str = ""
    pk: str = ""

    def get_object(self) -> Model | None:
        """The object as it is now, if it is still there. Says nothing about who may see it."""
        if not self.model:
            return None
        model = cast("Any", apps.get_model(self.model))
        try:
            found: Model | None = model._default_manager.filter(pk=self.pk).first()
        except (ValidationError, ValueError):  # the key's type has changed meanwhile
            return None
        return found


def sign_page(page: Page, context: ChatKitContext) -> str:
    """The page for this person's browser to carry. Raises TypeError and ValueError for what cannot be."""
    content = {
        "owner": get_owner(context),
        "server": context.server,
        "tenant": context.tenant,
        "facts": page.facts,
        "model": page.model,
        "pk": page.pk,
    }
    signed = signing.dumps(content, salt=SALT, serializer=Serializer, compress=True)
    if len(signed) > MAX_LENGTH:
        raise ValueError(f"this is too much for a header: {len(signed)} characters of {MAX_LENGTH}.")
    return signed


def describe_page(page_object: Model | None, page_context: Mapping[str, Any] | None) -> Page | None:
    """The arguments of the tag as a page; None without any. Raises TypeError and ValueError."""
    if page_object is None and page_context is None:
        return None
    if page_context is not None and not isinstance(page_context, Mapping):
        raise TypeError("page_context must be a dict.")
    if page_object is not None and not hasattr(page_object, "_meta"):
        raise TypeError("page_object must be an instance of a model.")
    if page_object is not None and page_object.pk is None:
        raise ValueError("page_object is not in the database.")
    label = page_object._meta.label if page_object is not None else ""
    return Page(dict(page_context or {}), label, str(page_object.pk) if page_object is not None else "")


def read_page(request: HttpRequest, context: ChatKitContext) -> Page | None:
    """The page that a request comes from. The chat works without: an altered one, one that is too old
    or another person's is left out, and logged."""
    signed = request.headers.get(HEADER, "")
    if not signed:
        return None
    try:
        content = signing.loads(signed, salt=SALT, serializer=Serializer, max_age=PAGE_SECONDS)
    except signing.SignatureExpired:
        problem = "it is too old"
    except Exception:  # whatever the unpacking of other people's bytes raises
        problem = "its signature is wrong"
    else:
        if is_for(content, context):
            return Page(content["facts"], content["model"], content["pk"])
        problem = "it was made for somebody else, or for another chat"
    logger.warning("The page context of a request was ignored: %s.", problem)
    return None


def is_for(content: Mapping[str, Any], context: ChatKitContext) -> bool:
    """Is it this person's? A visitor may have come to an id only after the page was made."""
    if (content["server"], content["tenant"]) != (context.server, context.tenant):
        return False
    owners = {get_owner(context), "visitor:"} if context.is_anonymous else {get_owner(context)}
    return content["owner"] in owners


def get_owner(context: ChatKitContext) -> str:
    return f"visitor:{context.visitor}" if context.user is None else f"user:{context.user.pk}"
