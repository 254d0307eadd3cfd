"""Where files go, and where they come from."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.core.signing import BadSignature
from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt

from django_chatkit.attachments import to_attachment
from django_chatkit.context import ChatKitContext
from django_chatkit.downloads import file_response
from django_chatkit.exceptions import Refused, not_found
from django_chatkit.models import Attachment
from django_chatkit.permissions import check_access, check_room, get_attachments
from django_chatkit.servers import servers
from django_chatkit.signing import STEP, unsign
from django_chatkit.uploads import confirm, store_announced, store_direct

from .language import speak_as_the_page
from .refusals import json_response, method_not_allowed, refusal
from .tokens import check_csrf


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
    speak_as_the_page(request)
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
        response = file_response(request, get_uploaded(unsign(token)))
        response["Cache-Control"] = f"private, max-age={STEP}"
        response["Cross-Origin-Resource-Policy"] = "cross-origin"  # ChatKit's frame is of another origin
        return response
    except (BadSignature, Attachment.DoesNotExist, FileNotFoundError):
        return refusal(not_found())
    except Exception as error:
        return refusal(error, allow="GET, HEAD")


def get_uploaded(attachment_id: str) -> Attachment:
    """The page shows a picture that it has put into a bucket while its message is still on the way."""
    row = Attachment.objects.get(attachment_id=attachment_id)
    if row.state == Attachment.State.PENDING:
        try:
            confirm(row)
        except Refused:
            raise Attachment.DoesNotExist from None
    return row
