"""Why a request is refused: what the person reads, and what HTTP says."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext as _, ngettext

from chatkit.errors import CustomStreamError


class Refused(Exception):
    """A request that is not carried out. ``message`` is shown to the person, so it names no internals."""

    def __init__(self, status: int, code: str, message: str | Promise, retry_after: int = 0) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after


class NotPending(CustomStreamError):
    """A tool output or an answer for something that is not waiting for one (any more)."""

    def __init__(self) -> None:
        super().__init__(_("This was answered already."), allow_retry=False)


def no_permission() -> Refused:
    return Refused(403, "permission_denied", _("You may not use this chat."))


def not_found() -> Refused:
    """The one answer for what is missing and for what is somebody else's."""
    return Refused(404, "not_found", _("This conversation, or a part of it, could not be found."))


def invalid(message: str) -> Refused:
    return Refused(400, "invalid_request", message)


def not_pending() -> Refused:
    return Refused(409, "not_pending", _("This was answered already."))


def request_too_large() -> Refused:
    return Refused(413, "request_too_large", _("This is too large to send."))


def already_sent() -> Refused:
    return Refused(409, "attachment_sent", _("A file can be sent only once. Attach it again."))


def too_many(seconds: int) -> Refused:
    message = ngettext(
        "That was too much at once. Try again in %(seconds)d second.",
        "That was too much at once. Try again in %(seconds)d seconds.",
        seconds,
    )
    return Refused(429, "too_many_requests", message % {"seconds": seconds}, retry_after=seconds)
