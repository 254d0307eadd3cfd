"""Who is asking: the context that goes with every call into the server and the store."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import get_language

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser
    from django.http import HttpRequest

    from .page import Page

VISITOR_SESSION_KEY = "chatkit_visitor"


@dataclass
class ChatKitContext:
    """The person, server and request behind one call; made once per request.

    ``user`` is None for a signed-out visitor, whom ``visitor`` then identifies: a random id kept
    in the session's data, because ``login()`` changes the session's own key. With neither, the
    context owns nothing. In tests and scripts ``ChatKitContext(user=user)`` is enough.
    """

    server: str = "default"
    user: AbstractBaseUser | None = None
    visitor: str = ""
    tenant: str = ""
    locale: str = ""
    request: HttpRequest | None = None
    streaming: bool = False
    """Is the answer a stream? Then the store gives database connections back after each call."""
    threads: dict[str, Any] = field(default_factory=dict, repr=False)
    """Threads as this context last saw them, by id: the store saves only what differs."""
    page: Page | None = None
    """The page that the person looks at, where the tag says what is on it: see ``get_page_facts()``."""
    thread: Any = field(default=None, repr=False)
    """The thread that is being answered, as the SDK's ``ThreadMetadata``; None in other requests."""
    answered: str = ""
    """The question that this request answers, if it does."""
    too_late: bool = False
    """Has another request answered it first?"""
    fetch_updates: bool = False
    """Set this where a request that is no stream changes what the thread shows: the page reads it again."""
    message: Any = field(default=None, repr=False)
    """The message that a ``TextServer`` answers, with its mentions: see ``get_mentions()``."""
    has_notices: bool = False
    """Has the site posted some that the page has not shown yet?"""
    image_domains: list[str] | None = None
    """Where pictures in a thread that this request begins may come from."""

    @classmethod
    def from_request(cls, request: HttpRequest, server: str = "default", tenant: str = "") -> ChatKitContext:
        """Reads session and user, so it may query the database: call it from sync code."""
        user = getattr(request, "user", None)
        return cls(
            server=server,
            user=user if user is not None and user.is_authenticated else None,
            visitor=get_visitor(request),
            tenant=tenant,
            locale=get_language() or "",
            request=request,
        )

    @property
    def is_anonymous(self) -> bool:
        return self.user is None


def get_visitor(request: HttpRequest) -> str:
    """The visitor id of this session, or ``""``: reading it never starts a session."""
    session = getattr(request, "session", None)
    return session.get(VISITOR_SESSION_KEY, "") if session is not None else ""


def start_visitor(request: HttpRequest) -> str:
    """The visitor id of this session, made now (128 random bits) where there is none.

    Raises ImproperlyConfigured without sessions.
    """
    if not hasattr(request, "session"):
        raise ImproperlyConfigured("allow_anonymous needs django.contrib.sessions and its SessionMiddleware.")
    visitor = get_visitor(request)
    if not visitor:
        visitor = request.session[VISITOR_SESSION_KEY] = secrets.token_hex(16)
    return visitor
