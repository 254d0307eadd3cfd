"""The options of one page for one person: defaults, settings, class and tag, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.utils.translation import get_language, gettext as _

from django_chatkit.conf import conf
from django_chatkit.context import ChatKitContext
from django_chatkit.options import Problem, chatkit_locale, drop_invalid, merge, resolve
from django_chatkit.permissions import get_dictation

from .addresses import get_api_url, get_url

if TYPE_CHECKING:
    from django.http import HttpRequest

    from django_chatkit.server import DjangoChatKitServer


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
