"""A request that is not carried out: JSON with a ``message``, never HTML or a redirect."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import DataError, InterfaceError, OperationalError, ProgrammingError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.utils.translation import gettext as _
from pydantic import ValidationError

from django_chatkit.exceptions import (
    NotPending,
    Refused,
    no_permission,
    not_found,
    not_pending,
    request_too_large,
)
from django_chatkit.logs import log_failure, logger
from django_chatkit.servers import UnknownServer

from chatkit.store import NotFoundError


def method_not_allowed(method: str) -> Refused:
    return Refused(405, "method_not_allowed", _("Only {method} is allowed here.").format(method=method))


def content_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        raise Refused(400, "invalid_request", _("This is not a request that ChatKit makes."))
    return int(length)


def refusal(error: Exception, allow: str = "POST") -> HttpResponse:
    """The answer to a request that is not carried out."""
    refused = explain(error)
    body = {"message": str(refused.message), "code": refused.code}
    response = json_response(JsonResponse(body, status=refused.status))
    if refused.status == 405:
        response["Allow"] = allow
    elif refused.status == 503:
        response["Retry-After"] = "5"
    elif refused.retry_after:
        response["Retry-After"] = str(refused.retry_after)
    return response


def explain(error: Exception) -> Refused:
    """What to tell the person. The text of an exception never gets out, except to developers under DEBUG."""
    match error:
        case Refused():
            return error
        case ValidationError() | UnicodeDecodeError():
            log_invalid(error)
            return Refused(400, "invalid_request", _("This is not a request that ChatKit makes."))
        case DataError():  # a NUL character in a cookie, for one: Django looks for any session key
            log_failure("The database cannot hold what was sent", "-", error)
            return Refused(400, "invalid_request", _("This is not a request that ChatKit makes."))
        case RequestDataTooBig():
            return request_too_large()
        case UnreadablePostError() | SuspiciousOperation() | BadRequest():
            return Refused(400, "invalid_request", _("The request broke off."))
        case UnknownServer() | NotFoundError() | Http404():
            return not_found()
        case PermissionDenied():
            return no_permission()
        case NotPending():
            return not_pending()
        case NotImplementedError():
            logger.warning("The chat server cannot do this: %s", error)
            return Refused(400, "not_supported", _("This chat cannot do that."))
        case OperationalError() | InterfaceError() | ProgrammingError():
            log_failure("The database is not available", "-", error)
            hint = (
                f" (DEBUG: {type(error).__name__}. Did you run `manage.py migrate`?)"
                if settings.DEBUG
                else ""
            )
            return Refused(503, "unavailable", _("The chat is not available at the moment.") + hint)
        case ImproperlyConfigured():
            logger.error("The chat is not configured: %s", error)
            return Refused(500, "server_error", str(error) if settings.DEBUG else server_error())
        case _:
            log_failure("A request failed", "-", error)
            return Refused(500, "server_error", server_error())


def server_error() -> str:
    return _("Something went wrong on the server.")


def log_invalid(error: ValidationError | UnicodeDecodeError) -> None:
    """Say that a request broke rules, without what it held. Listing them all could take seconds."""
    count = error.error_count() if isinstance(error, ValidationError) else 1
    logger.warning("Not a ChatKit request: %s, %d errors", type(error).__name__, count)


def json_response(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "no-store"
    response["X-Content-Type-Options"] = "nosniff"
    return response
