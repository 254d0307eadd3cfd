"""The addresses that the browser talks to. A refusal is JSON with a ``message``, never HTML or a redirect."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import (
    BadRequest,
    ImproperlyConfigured,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.core.handlers.asgi import ASGIRequest
from django.core.signing import BadSignature
from django.db import InterfaceError, OperationalError, ProgrammingError, transaction
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.http.request import UnreadablePostError
from django.http.response import HttpResponseBase
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from pydantic import ValidationError

from .attachments import to_attachment
from .conf import conf
from .context import ChatKitContext
from .downloads import file_response
from .entities import MAX_QUERY_LENGTH, Entities, describe, search
from .exceptions import NotPending, Refused, request_too_large
from .items import ESCAPED_NUL
from .logs import log_failure
from .models import Attachment
from .page import read_page
from .permissions import (
    check_access,
    check_rate,
    check_room,
    check_size,
    get_attachments,
    invalid,
    no_permission,
    not_found,
    not_pending,
)
from .servers import UnknownServer, servers
from .signing import STEP, unsign
from .store import release_connections
from .streaming import BlockingEventStream, EventStream, EventStreamResponse
from .uploads import store_announced, store_direct

from chatkit.store import NotFoundError

if TYPE_CHECKING:
    from .server import DjangoChatKitServer

    from chatkit.server import NonStreamingResult, StreamingResult

logger = logging.getLogger("django_chatkit")

UPDATES_HEADER = "X-ChatKit-Updates"
"""Tells widget.js to read the thread again."""

MAX_VALUES = 60_000
"""Commas in a body: a million small values would keep the event loop busy for seconds."""


# The check is ours and not left out: the middleware's own refusal is an HTML page, which the
# component cannot show.
@csrf_exempt
@login_not_required
@transaction.non_atomic_requests
async def api(request: HttpRequest, server: str = "default") -> HttpResponseBase:
    """ChatKit's single endpoint, for one server."""
    context: ChatKitContext | None = None
    response: HttpResponseBase
    try:
        chat, context, body = await sync_to_async(admit)(request, server)
        response = await to_response(request, await chat.process(body, context))
    except Exception as error:
        response = refusal(error)
    if context is not None and context.fetch_updates:  # also where an action has failed half-way
        response[UPDATES_HEADER] = "1"
    return response


@login_not_required
@require_safe
def csrf(request: HttpRequest) -> HttpResponse:
    """The page's CSRF token anew, for scripts that cannot see the cookie: a login elsewhere changed it.

    Another site cannot read it: there is no CORS header, and the token is of no use without the cookie.
    """
    return json_response(JsonResponse({"token": get_token(request)}))


def admit(request: HttpRequest, alias: str) -> tuple[DjangoChatKitServer, ChatKitContext, bytes]:
    """Server, person and body of a request, in one visit to the request's thread. Raises Refused."""
    if request.method != "POST":
        raise method_not_allowed("POST")
    chat = servers[alias]
    context = ChatKitContext.from_request(request, server=alias, tenant=chat.get_tenant(request))
    check_size(chat, context, content_length(request))
    # Before the token, which Django would look for in a form, and read all of it.
    if request.content_type != "application/json":
        raise Refused(415, "unsupported_media_type", _("The request must be JSON."))
    check_csrf(request)
    check_access(chat, context)
    context.page = read_page(request, context)
    body = request.body
    check_size(chat, context, len(body))
    if body.count(b",") > MAX_VALUES:
        raise Refused(400, "invalid_request", _("This is not a request that ChatKit makes."))
    return chat, context, ESCAPED_NUL.sub(r"\1\\ufffd", body.decode()).encode()


def method_not_allowed(method: str) -> Refused:
    return Refused(405, "method_not_allowed", _("Only {method} is allowed here.").format(method=method))


def content_length(request: HttpRequest) -> int:
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not length.isdecimal():
        raise Refused(400, "invalid_request", _("This is not a request that ChatKit makes."))
    return int(length)


class CSRFCheck(CsrfViewMiddleware):
    """Django's check, whose refusal is a reason and not a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def check_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda request: HttpResponse())
    check.process_request(request)
    reason: Any = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    if reason is not None:
        logger.warning("Forbidden (%s): %s", reason, request.path, extra={"status_code": 403})
        raise Refused(403, "csrf_failed", _("This page is out of date. Reload it and try again."))


async def to_response(request: HttpRequest, result: StreamingResult | NonStreamingResult) -> HttpResponseBase:
    """Waits for a stream's first piece: what fails before it still becomes an HTTP status."""
    if hasattr(result, "json"):
        return json_response(HttpResponse(result.json, content_type="application/json"))
    heartbeat = conf.CHATKIT_HEARTBEAT_SECONDS
    stream: EventStream | BlockingEventStream
    if isinstance(request, ASGIRequest):
        stream = EventStream(result.json_events, heartbeat)
        await stream.start()
        await sync_to_async(release_connections)()
    else:
        stream = BlockingEventStream(result.json_events, heartbeat)
        # Not on the request's own thread, which is busy waiting for this very view.
        await sync_to_async(stream.start, thread_sensitive=False)()
    return EventStreamResponse(stream)


# The CSRF check, sign-in and refusals of these are like those of the endpoint.
@csrf_exempt
@login_not_required
@transaction.non_atomic_requests
def upload(request: HttpRequest, server: str, attachment_id: str | None = None) -> HttpResponseBase:
    """Where files go: a new one, or the bytes of one that was announced."""
    try:
        row, context = receive_file(request, server, attachment_id)
        body = to_attachment(row, context).model_dump_json(
            exclude_none=True, context={"exclude_metadata": True}
        )
        return json_response(HttpResponse(body, content_type="application/json"))
    except Exception as error:
        return refusal(error, allow="POST, PUT")


def receive_file(
    request: HttpRequest, alias: str, attachment_id: str | None
) -> tuple[Attachment, ChatKitContext]:
    """Everything that can be refused is, before the body is read."""
    if request.method != "POST" and (request.method != "PUT" or attachment_id is None):
        raise method_not_allowed("POST")
    request.POST = QueryDict()  # or Django would look for the token in the body, and read all of it
    check_csrf(request)
    if request.method == "POST" and request.content_type != "multipart/form-data":
        raise Refused(415, "unsupported_media_type", _("A file must come in a form."))
    chat = servers[alias]
    context = ChatKitContext.from_request(request, server=alias, tenant=chat.get_tenant(request))
    check_access(chat, context)
    config = get_attachments(chat, context)
    if attachment_id is not None:
        row = Attachment.objects.owned_by(context).filter(attachment_id=attachment_id).first()
        if row is None:
            raise not_found()
        return store_announced(request, row, config), context
    if config.strategy != "direct":
        raise not_found()
    check_room(chat, config, context)
    return store_direct(request, config, context), context


@login_not_required
def attachment(request: HttpRequest, token: str) -> HttpResponseBase:
    """The bytes of an attachment, for whoever has its address, which is signed and soon expires."""
    try:
        if request.method not in ("GET", "HEAD"):
            raise method_not_allowed("GET")
        ready = Attachment.objects.exclude(state=Attachment.State.PENDING)
        response = file_response(request, ready.get(attachment_id=unsign(token)))
        response["Cache-Control"] = f"private, max-age={STEP}"
        response["Cross-Origin-Resource-Policy"] = "cross-origin"  # ChatKit's frame is of another origin
        return response
    except (BadSignature, Attachment.DoesNotExist, FileNotFoundError):
        return refusal(not_found())
    except Exception as error:
        return refusal(error, allow="GET, HEAD")


@login_not_required
def entities(request: HttpRequest, server: str) -> HttpResponse:
    """What a person may mention, for the words in ``q``."""
    try:
        found, context = admit_search(request, server)
        query = request.GET.get("q", "")
        if len(query) > MAX_QUERY_LENGTH or "\0" in query:
            raise invalid(_("Nothing can have this name."))
        return json_response(JsonResponse(search(found, query, context), safe=False))
    except Exception as error:
        return refusal(error, allow="GET, HEAD")


@login_not_required
def entity(request: HttpRequest, server: str) -> HttpResponse:
    """The preview and the address of one mention, whose id is in ``id``."""
    try:
        found, context = admit_search(request, server)
        described = describe(found, request.GET.get("id", ""), context)
        if described is None:
            raise not_found()
        return json_response(JsonResponse(described))
    except Exception as error:
        return refusal(error, allow="GET, HEAD")


def admit_search(request: HttpRequest, alias: str) -> tuple[Entities, ChatKitContext]:
    """What this person may look for things in, after the checks of the endpoint. Raises Refused.

    Nothing is changed, and no other site can read JSON of this one: there is no token to check.
    """
    if request.method not in ("GET", "HEAD"):
        raise method_not_allowed("GET")
    chat = servers[alias]
    context = ChatKitContext.from_request(request, server=alias, tenant=chat.get_tenant(request))
    check_access(chat, context)
    found = chat.get_entities(context)
    if not found:
        raise not_found()
    check_rate("search", chat.get_search_rate(context), chat, context)
    context.page = read_page(request, context)
    return found, context


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
