"""What a person may mention, for the page's ``@`` menu."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _

from django_chatkit.context import ChatKitContext
from django_chatkit.entities import MAX_QUERY_LENGTH, Entities, describe, search
from django_chatkit.exceptions import invalid, not_found
from django_chatkit.page import read_page
from django_chatkit.permissions import check_access, check_rate
from django_chatkit.servers import servers

from .language import speak_as_the_page
from .refusals import json_response, method_not_allowed, refusal


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
    speak_as_the_page(request)
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
