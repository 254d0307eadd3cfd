"""Addresses of attachments: absolute, signed and short-lived, because ChatKit's frame sends no cookie.

They are made whenever an item is read and are never stored: a stored item says ``attachment:<id>``.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from django.core.signing import BadSignature, TimestampSigner, b62_encode
from django.urls import NoReverseMatch, reverse

if TYPE_CHECKING:
    from .context import ChatKitContext

SALT = "django_chatkit.attachments.preview"
MAX_AGE = 3600
STEP = 300
"""Addresses change every so many seconds and not at each reading, so that browsers can cache."""

REFERENCE = "attachment:"
TOKEN = re.compile(r"/([^/?#]+)/?$")


class Signer(TimestampSigner):
    """Signs ids of attachments for one purpose: to read the bytes, for at most an hour."""

    def __init__(self) -> None:
        super().__init__(salt=SALT)

    def timestamp(self) -> str:
        return b62_encode(int(time.time()) // STEP * STEP)


def sign(attachment_id: str) -> str:
    return Signer().sign(attachment_id)


def unsign(token: str) -> str:
    """The id. Raises BadSignature for what is altered, expired or signed for something else."""
    return Signer().unsign(token, max_age=MAX_AGE)


def address_of(attachment_id: str, context: ChatKitContext) -> str:
    """Where the bytes can be read now; a mere reference, for code that runs without a request."""
    if context.request is None:
        return REFERENCE + attachment_id
    return absolute_url("attachment", context, token=sign(attachment_id))


def absolute_url(name: str, context: ChatKitContext, **kwargs: str) -> str:
    """One of this app's addresses, in the namespace in which the request found it."""
    request = context.request
    assert request is not None, "an address needs a request"  # noqa: S101
    match = request.resolver_match
    namespaces = [match.namespace] if match is not None and match.namespace else []
    for namespace in [*namespaces, "django_chatkit"]:
        try:
            return request.build_absolute_uri(reverse(f"{namespace}:{name}", kwargs=kwargs))
        except NoReverseMatch:
            continue
    raise NoReverseMatch(f"django_chatkit:{name}")


def to_reference(address: str) -> str:
    """What is stored for an address of ours; any other address stays as it is."""
    if match := TOKEN.search(address):
        try:
            return REFERENCE + Signer().unsign(match[1])
        except BadSignature:
            pass
    return address


def from_reference(address: str, context: ChatKitContext) -> str:
    if not address.startswith(REFERENCE):
        return address
    return address_of(address.removeprefix(REFERENCE), context)
