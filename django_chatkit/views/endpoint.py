"""ChatKit's single endpoint: one request in, JSON or a stream of events out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_not_required
from django.core.handlers.asgi import ASGIRequest
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from django_chatkit.conf import conf
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused
from django_chatkit.items import ESCAPED_NUL
from django_chatkit.page import read_page
from django_chatkit.permissions import check_access, check_size
from django_chatkit.servers import servers
from django_chatkit.streaming import BlockingEventStream, EventStream, EventStreamResponse

from .language import speak_as_the_page
from .refusals import content_length, json_response, method_not_allowed, refusal
from .tokens import check_csrf

if TYPE_CHECKING:
    from django_chatkit.server import DjangoChatKitServer

    from chatkit.server import NonStreamingResult, StreamingResult

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


def admit(request: HttpRequest, alias: str) -> tuple[DjangoChatKitServer, ChatKitContext, bytes]:
    """Server, person and body of a request, in one visit to the request's thread. Raises Refused."""
    speak_as_the_page(request)
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


async def to_response(request: HttpRequest, result: StreamingResult | NonStreamingResult) -> HttpResponseBase:
    """Waits for a stream's first piece: what fails before it still becomes an HTTP status."""
    if hasattr(result, "json"):
        return json_response(HttpResponse(result.json, content_type="application/json"))
    heartbeat = conf.CHATKIT_HEARTBEAT_SECONDS
    stream: EventStream | BlockingEventStream
    if isinstance(request, ASGIRequest):
        stream = EventStream(result.json_events, heartbeat)
        await stream.start()
    else:
        stream = BlockingEventStream(result.json_events, heartbeat)
        # Not on the request's own thread, which is busy waiting for this very view.
        await sync_to_async(stream.start, thread_sensitive=False)()
    return EventStreamResponse(stream)
