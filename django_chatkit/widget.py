"""The chat of one page for one person: its options, addresses, texts and HTML."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import ImproperlyConfigured
from django.http.request import HttpHeaders
from django.middleware.csrf import get_token
from django.shortcuts import resolve_url
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse
from django.utils.http import escape_leading_slashes, urlencode
from django.utils.translation import get_language, gettext as _

from .conf import conf
from .context import ChatKitContext
from .exceptions import Refused
from .options import Problem, chatkit_locale, drop_invalid, merge, resolve
from .options.problems import any_of, did_you_mean
from .options.schema import OPTIONS
from .page import describe_page, sign_page
from .permissions import check_access, get_dictation
from .servers import servers

if TYPE_CHECKING:
    from django.db.models import Model
    from django.http import HttpRequest
    from django.utils.safestring import SafeString

    from .server import DjangoChatKitServer

logger = logging.getLogger("django_chatkit")

MODES = ("inline", "floating")
SHORTCUTS = {"greeting": ("startScreen", "greeting"), "placeholder": ("composer", "placeholder")}
"""Options that templates, which have no dicts, may want to give by themselves."""

ARGUMENTS = ("mode", "height", "id", "options", "page_object", "page_context")

PATIENCE = 15
"""Seconds after which a chat that does not show up is given up on."""

SWAP_HEADERS = ("HX-Request", "Turbo-Frame", "X-Up-Version", "X-Requested-With")


class InvalidArgument(ValueError):
    """A tag or a call has an argument that does not exist, or a value that cannot be."""


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
    height: str | int = "",
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
    given = merge(options or {}, to_options(mode, groups))
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
    common |= {"problems": problems if loud else [], "height": to_length(height)}
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


# Options


def to_options(mode: str, groups: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a tag as options of ChatKit.js. Raises InvalidArgument."""
    if mode not in MODES:
        raise InvalidArgument(f'mode must be {any_of(MODES)}, not "{mode}".')
    given: dict[str, Any] = {}
    for name, value in groups.items():
        if name in SHORTCUTS:
            group, name = SHORTCUTS[name]
            value, name = {name: value}, group
        elif name not in OPTIONS.keys:
            known = [*OPTIONS.keys, *SHORTCUTS, *ARGUMENTS]
            raise InvalidArgument(f'there is no argument "{name}"{did_you_mean(name, known, {}) or "."}')
        given = merge(given, {name: expand(name, value)})
    return given


def expand(name: str, value: Any) -> Any:
    """``history=False``, ``disclaimer="Text"`` and an ``initialThread`` that is empty, written out."""
    if name in ("header", "history") and isinstance(value, bool):
        return {"enabled": value}
    if name == "disclaimer" and isinstance(value, str):
        return {"text": value}
    return None if name == "initialThread" and value == "" else value


def get_options(
    request: HttpRequest,
    chat: DjangoChatKitServer,
    context: ChatKitContext,
    given: Mapping[str, Any],
    menus: Mapping[str, Any] | None = None,
) -> tuple[dict[str, Any], list[Problem], bool]:
    """Options that ChatKit.js will take, the problems, and whether something was left out for them."""
    can_hear = get_dictation(chat, context) is not None
    defaults = merge(
        get_defaults(request, chat.alias),
        get_attachment_options(request, chat, context),
        get_menu_options(menus or {}),
        {"composer": {"dictation": {"enabled": True}}} if can_hear else {},
    )
    wanted = resolve(merge(defaults, conf.CHATKIT_OPTIONS, chat.get_options(context), given))
    kept, problems = drop_invalid(wanted)
    # In the place of what was wrong comes the default, but not in the place of what somebody took out.
    wrong = {"api", *wanted} - kept.keys()
    fatal = kept != wanted
    kept = {name: group for name, group in resolve(defaults).items() if name in wrong} | kept
    if not can_hear and wants_dictation(kept):
        problems.append(Problem("composer.dictation.enabled", "this server has no dictation"))
        kept = merge(kept, {"composer": {"dictation": {"enabled": False}}})
    return kept, problems, fatal


def wants_dictation(options: Mapping[str, Any]) -> bool:
    composer = options.get("composer") or {}
    return bool((composer.get("dictation") or {}).get("enabled"))


def get_defaults(request: HttpRequest, alias: str) -> dict[str, Any]:
    """What is sent where nobody says otherwise. The component's own feedback default has changed before."""
    return {
        "api": {"url": get_api_url(request, alias), "domainKey": conf.CHATKIT_DOMAIN_KEY},
        "locale": chatkit_locale(get_language() or settings.LANGUAGE_CODE),
        "theme": "auto",
        "frameTitle": _("Chat"),
        "threadItemActions": {"feedback": True, "retry": True},
    }


def get_attachment_options(
    request: HttpRequest, chat: DjangoChatKitServer, context: ChatKitContext
) -> dict[str, Any]:
    """What the server class says about files, in the component's words."""
    config = chat.get_attachments(context)
    return config.options(get_url(request, "upload", {"server": chat.alias}) or "") if config else {}


def get_menu_options(menus: Mapping[str, Any]) -> dict[str, Any]:
    """The groups to which menus.js adds its functions; a component that does not know one refuses all."""
    mentions = {"entities": {"showComposerMenu": True}} if menus.get("entitiesUrl") else {}
    commands = {"commands": {"enabled": True}} if menus.get("commands") else {}
    return {**mentions, **commands}


def get_scheme(theme: Any) -> str:
    """For what is ours around the component."""
    return str(theme.get("colorScheme", "auto") if isinstance(theme, Mapping) else theme)


# The page


def get_data(request: HttpRequest, alias: str, options: dict[str, Any]) -> dict[str, Any]:
    """What widget.js reads: nothing in it is secret to the person who gets the page."""
    return {
        "server": alias,
        "options": options,
        "csrf": get_csrf(request),
        "scriptUrl": conf.CHATKIT_SCRIPT_URL,
        "patience": PATIENCE,
        "messages": get_messages(),
        "hints": get_hints() if is_developer(request) else None,
    }


def get_menus(request: HttpRequest, chat: DjangoChatKitServer, context: ChatKitContext) -> dict[str, Any]:
    """What menus.js reads: where mentions are found, and the commands."""
    found = get_url(request, "entities", {"server": chat.alias}) if chat.get_entities(context) else None
    commands = [command.to_json() for command in chat.get_commands(context)]
    return {"entitiesUrl": found, "commands": commands}


def get_page(
    context: ChatKitContext, page_object: Model | None, page_context: Mapping[str, Any] | None
) -> str | None:
    """What is on the page, signed for this person. Raises InvalidArgument."""
    try:
        described = describe_page(page_object, page_context)
        return sign_page(described, context) if described is not None else None
    except (TypeError, ValueError) as error:
        raise InvalidArgument(f"the page cannot be described: {error}") from error


def get_csrf(request: HttpRequest) -> dict[str, str]:
    """Where the script finds the token: in the cookie at each call, or here if scripts cannot see that."""
    token = get_token(request)  # also makes sure that the cookie is set
    header = HttpHeaders.parse_header_name(settings.CSRF_HEADER_NAME) or "X-CSRFToken"
    if not (settings.CSRF_USE_SESSIONS or settings.CSRF_COOKIE_HTTPONLY):
        return {"header": header, "cookie": settings.CSRF_COOKIE_NAME}
    return {"header": header, "token": token, "url": get_url(request, "csrf") or ""}


def get_api_url(request: HttpRequest, alias: str) -> str:
    """Raises ImproperlyConfigured where the URLs are missing."""
    url = get_url(request, "api", {} if alias == "default" else {"server": alias})
    if url is None:
        raise ImproperlyConfigured(
            f"The chat {alias!r} has no address: add "
            'path("chatkit/", include("django_chatkit.urls")) to your URLs.'
        )
    return url


def get_url(request: HttpRequest, name: str, kwargs: Mapping[str, str] | None = None) -> str | None:
    """The app's URLs are found under the page's own namespaces too."""
    for namespace in namespaces(request):
        try:
            return reverse(f"{namespace}django_chatkit:{name}", kwargs=dict(kwargs or {}))
        except NoReverseMatch:
            continue
    return None


def namespaces(request: HttpRequest) -> Iterator[str]:
    yield ""
    match = request.resolver_match
    around = match.namespaces if match is not None else []
    for depth in range(len(around), 0, -1):
        yield ":".join(around[:depth]) + ":"


def get_login_url(request: HttpRequest) -> str:
    query = urlencode({REDIRECT_FIELD_NAME: get_page_path(request)})
    url = resolve_url(settings.LOGIN_URL)
    return f"{url}{'&' if '?' in url else '?'}{query}"


def get_page_path(request: HttpRequest) -> str:
    """Where the person is: HTMX fetches a fragment for a page with another address."""
    address = "" if "HX-Boosted" in request.headers else request.headers.get("HX-Current-URL", "")
    try:
        parts = urlsplit(address)
    except ValueError:
        return request.get_full_path()
    if parts.netloc != request.get_host():
        return request.get_full_path()
    return escape_leading_slashes(urlunsplit(("", "", parts.path, parts.query, "")))


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


def is_developer(request: HttpRequest) -> bool:
    """May this person read what exactly is wrong?"""
    user = getattr(request, "user", None)
    return settings.DEBUG or bool(user is not None and user.is_active and getattr(user, "is_staff", False))


def to_length(height: str | int) -> str:
    """``600`` and ``"600"`` are pixels, as everywhere in HTML."""
    text = str(height).strip()
    return f"{text}px" if text.isdecimal() else text


def get_messages() -> dict[str, str]:
    """What people read when something is wrong: why, and what to do."""
    return {
        "script": _("The chat could not be loaded. Check your connection and reload the page."),
        "blocked": _("The chat is blocked on this page. Please tell the people who run this site."),
        "options": _("The chat is not set up correctly. Please tell the people who run this site."),
        "domain": _("The chat does not work on this address. Please tell the people who run this site."),
        "silent": _("The chat does not answer. Check your connection and reload the page."),
        "network": _("The message could not be sent. Check your connection and try again."),
        "signed_out": _("You are signed out. Reload the page and sign in again."),
        "forbidden": _("This was refused. Reload the page and try again."),
        "too_large": _("This is too large to send."),
        "too_many": _("Too many messages at once. Wait a moment and try again."),
        "unavailable": _("The chat is not available at the moment. Try again later."),
    }


def get_hints() -> dict[str, str]:
    """What developers and staff read as well."""
    return {
        "script": _(
            "ChatKit's script did not define its element: the CDN is blocked or offline, or "
            "CHATKIT_SCRIPT_URL is wrong. It must be a classic script, not a module."
        ),
        "blocked": _(
            "The Content Security Policy of this page forbids it. "
            "Merge django_chatkit.csp.CHATKIT_CSP into it."
        ),
        "options": _("ChatKit refused the options. A listener for chatkit:options may have changed them."),
        "domain": _(
            "OpenAI did not verify this domain. Add it to the domain allowlist on platform.openai.com "
            "and put its key into CHATKIT_DOMAIN_KEY."
        ),
        "silent": _(
            "The options were set, but nothing came from ChatKit's frame: it may be blocked by an extension, "
            "a proxy, a policy (frame-src, Cross-Origin-Embedder-Policy), or the CDN may be down."
        ),
    }
