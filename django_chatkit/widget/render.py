"""The HTML of a chat, or of what a person sees instead of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.template.loader import render_to_string

from django_chatkit.conf import conf
from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import Refused
from django_chatkit.logs import logger
from django_chatkit.options import Problem
from django_chatkit.permissions import check_access
from django_chatkit.servers import servers

from .addresses import get_login_url
from .arguments import to_length, to_options
from .data import get_data, get_menus, get_page, is_developer
from .options import get_options, get_scheme

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

SWAP_HEADERS = ("HX-Request", "X-Turbo-Request-Id", "Turbo-Frame", "X-Up-Version", "X-Requested-With")


@dataclass
class Page:
    """What one response holds already, kept on its request."""

    assets: set[str] = field(default_factory=set)
    ids: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, request: HttpRequest) -> Page:
        page: Page = request.__dict__.setdefault("_chatkit_page", cls())
        return page

    def take_assets(self, *wanted: str) -> set[str]:
        """Those that the page does not have yet."""
        missing = set(wanted) - self.assets
        self.assets |= missing
        return missing

    def take_id(self, wanted: str) -> str:
        self.ids[wanted] += 1
        count = self.ids[wanted]
        return wanted if count == 1 else f"{wanted}-{count}"


def render_widget(
    request: HttpRequest,
    server: str = "default",
    *,
    mode: str = "inline",
    height: str | float = "",
    id: str = "",
    options: Mapping[str, Any] | None = None,
    nonce: object = None,
    page_object: Model | None = None,
    page_context: Mapping[str, Any] | None = None,
    **groups: Any,
) -> SafeString:
    """The HTML of a chat, or of what a person sees instead of one. The tag is a skin over this.

    Raises InvalidArgument, and ImproperlyConfigured for an unknown server or missing URLs.
    """
    given, length = to_options(mode, options or {}, groups), to_length(height)
    chat = servers[server]
    context = ChatKitContext.from_request(request, server=server, tenant=chat.get_tenant(request))
    common = {"request": request, "server": server, "mode": mode, "nonce": get_nonce(request, nonce)}
    try:
        check_access(chat, context)
    except Refused as refused:
        return render_refusal(request, refused, common)
    menus = get_menus(request, chat, context)
    kept, problems, fatal = get_options(request, chat, context, given, menus)
    loud = is_developer(request)
    if problems and not loud:
        logger.error("Options of the chat %r: %s", server, "; ".join(map(str, problems)))
    if fatal and loud:
        return render_problems(request, problems, common)
    common |= {"problems": problems if loud else [], "height": length}
    common["page"] = get_page(context, page_object, page_context)
    common["menus"] = menus
    return render_chat(request, kept, common, id or f"chatkit-{server}")


def render_chat(request: HttpRequest, options: dict[str, Any], common: dict[str, Any], id: str) -> SafeString:
    page, server = Page.of(request), common["server"]
    # Fetched into a page that may have the component already, widget.js sees to it: it must not run twice.
    scripts = ["widget"] if is_swap(request) else ["widget", "component"]
    scripts += ["floating"] if common["mode"] == "floating" else []
    scripts += ["menus"] if any(common["menus"].values()) else []
    context = common | {
        "mounted": True,
        "id": page.take_id(id),
        "title": options.get("frameTitle"),
        "scheme": get_scheme(options.get("theme")),
        "data": get_data(request, server, options) | {"page": common["page"]} | common["menus"],
        "script_url": conf.CHATKIT_SCRIPT_URL,
        "assets": page.take_assets("style", *scripts),
    }
    return render_to_string("django_chatkit/widget.html", context)


def render_problems(request: HttpRequest, problems: list[Problem], common: dict[str, Any]) -> SafeString:
    """Instead of a chat that would stay blank."""
    context = common | {"problems": problems, "assets": Page.of(request).take_assets("style")}
    return render_to_string("django_chatkit/widget.html", context)


def render_refusal(request: HttpRequest, refused: Refused, common: dict[str, Any]) -> SafeString:
    """What stands in the chat's place for somebody who may not chat: no script at all."""
    context = common | {
        "message": refused.message,
        "login_url": get_login_url(request),
        "assets": Page.of(request).take_assets("style"),
    }
    template = "signed_out" if refused.status == 401 else "no_permission"
    return render_to_string(f"django_chatkit/{template}.html", context)


def get_nonce(request: HttpRequest, nonce: object = None) -> str:
    """The request's CSP nonce: the context's, django-csp's, or Django's own.

    Both are made when they are first turned into text, and are false until then.
    """
    for candidate in (nonce, getattr(request, "csp_nonce", None), getattr(request, "_csp_nonce", None)):
        if candidate is not None and str(candidate):
            return str(candidate)
    return ""


def is_swap(request: HttpRequest) -> bool:
    """Is this fetched by a script that puts it into a page which may have the component already?"""
    destination = request.headers.get("Sec-Fetch-Dest", "")
    return destination == "empty" or any(name in request.headers for name in SWAP_HEADERS)
