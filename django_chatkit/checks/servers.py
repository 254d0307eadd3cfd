"""Checks of ``CHATKIT_SERVERS`` and of the server classes behind it."""

from __future__ import annotations

import importlib.util
import inspect
import re
import symtable
import sys
from collections.abc import Iterator
from importlib.machinery import ModuleSpec
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured

from django_chatkit.checks.menus import check_menus
from django_chatkit.checks.models import check_key
from django_chatkit.checks.project import has_middleware
from django_chatkit.checks.speech import check_dictation
from django_chatkit.checks.tools import check_tools
from django_chatkit.checks.values import TAG, did_you_mean, fits, type_name
from django_chatkit.checks.widgets import check_handlers
from django_chatkit.conf import conf
from django_chatkit.models import STORAGE_ALIAS, has_place_for_files
from django_chatkit.options import validate
from django_chatkit.servers import load_server_class

SERVER_EXAMPLE = 'Write the dotted path of a class, such as "shop.chat.SupportServer".'
NO_DEFAULT = 'Add a "default": it answers at the root of the URLs and in {% chatkit_widget %}.'

OUR_MODULES = ("django_chatkit.server", "django_chatkit.agents")
LEFT_OPEN = {
    "django_chatkit.server.DjangoChatKitServer": ("respond",),
    "django_chatkit.server.TextServer": ("reply",),
    "django_chatkit.agents.AgentServer": ("agent", "get_agent"),
}
"""What a subclass must write: one of these."""

unexamined: set[str] = set()
"""Aliases of which the plain check has only read the source; the deployment checks run after it."""


@register(TAG)
def check_aliases(**kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = []
    for alias in server_paths():
        if not re.fullmatch(r"[-a-zA-Z0-9_]{1,64}", alias):
            message = f"CHATKIT_SERVERS[{alias!r}]: the alias is a part of the URL and must be a slug."
            hint = "Use up to 64 letters, digits, hyphens and underscores."
            messages.append(Error(message, hint=hint, id="chatkit.E004"))
    if fits(conf.CHATKIT_SERVERS, dict[str, str]) and "default" not in conf.CHATKIT_SERVERS:
        messages.append(Error('CHATKIT_SERVERS has no "default".', hint=NO_DEFAULT, id="chatkit.E005"))
    return messages


@register(TAG)
def check_servers(**kwargs: Any) -> list[CheckMessage]:
    """Examine classes that are loaded anyway. Of the others, read the source."""
    unexamined.clear()
    messages: list[CheckMessage] = []
    for alias, path in server_paths().items():
        if {path.rpartition(".")[0], "django_chatkit.server"} <= sys.modules.keys():
            messages += examine_server(alias)
        elif problem := read_server(alias, path):
            messages.append(problem)
        else:
            unexamined.add(alias)
    return messages


@register(TAG, deploy=True)
def check_unexamined_servers(**kwargs: Any) -> list[CheckMessage]:
    return [message for alias in sorted(unexamined) for message in examine_server(alias)]


def server_paths() -> dict[str, str]:
    return conf.CHATKIT_SERVERS if fits(conf.CHATKIT_SERVERS, dict[str, str]) else {}


def read_server(alias: str, path: str) -> CheckMessage | None:
    """What is wrong with the path of a class, as far as can be told without importing its module."""
    where = f"CHATKIT_SERVERS[{alias!r}]"
    module, _, name = path.rpartition(".")
    try:
        spec = importlib.util.find_spec(module) if module else None
        names = names_in(spec) if spec else []
    except ModuleNotFoundError:
        spec = None
    except Exception as error:  # a parent package fails, or the source is no Python
        return Error(f"{where}: {module!r} fails: {error}.", hint="Repair that module.", id="chatkit.E006")
    if spec is None:
        return Error(f"{where}: there is no module {module!r}.", hint=SERVER_EXAMPLE, id="chatkit.E006")
    if names is None or name in names:
        return None
    return Error(
        f"{where}: the module {module!r} has no {name!r}.", hint=did_you_mean(name, names), id="chatkit.E006"
    )


def names_in(spec: ModuleSpec) -> list[str] | None:
    """The names at the top of a module; None where its source does not tell. Raises SyntaxError."""
    source = getattr(spec.loader, "get_source", lambda name: None)(spec.name)
    if source is None or "import *" in source or "def __getattr__" in source:
        return None
    symbols = symtable.symtable(source, spec.origin or spec.name, "exec").get_symbols()
    return [symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()]


def examine_server(alias: str) -> list[CheckMessage]:
    """What is wrong with a server's class. Imports it, and with it the SDKs."""
    path = conf.CHATKIT_SERVERS[alias]
    try:
        server_class = load_server_class(alias)
    except ImproperlyConfigured as error:
        return [Error(str(error), hint=SERVER_EXAMPLE, id="chatkit.E007")]
    except Exception as error:  # whatever a project's module does while it is imported
        message = f"CHATKIT_SERVERS[{alias!r}]: importing {path!r} fails: {type(error).__name__}: {error}."
        return [Error(message, hint="Repair that module.", id="chatkit.E007")]
    return [
        *check_answer(server_class, path),
        *check_attributes(server_class, path),
        *check_options(server_class.options, f"{path}.options"),
        *check_anonymous(server_class, path),
        *check_attachments(server_class, path),
        *check_dictation(server_class, path),
        *check_feedback_question(server_class, path),
        *check_key(server_class, path),
        *check_handlers(server_class, path),
        *check_tools(server_class, path),
        *check_menus(server_class, path),
    ]


def check_answer(server_class: Any, path: str) -> Iterator[CheckMessage]:
    for base, names in LEFT_OPEN.items():
        module, _, class_name = base.rpartition(".")
        base_class = getattr(sys.modules.get(module), class_name, None)
        if base_class is None or not issubclass(server_class, base_class):
            continue
        if all(getattr(server_class, name) is getattr(base_class, name) for name in names):
            message = f"{path} does not say how to answer: it has no {' and no '.join(names)}."
            yield Error(message, hint="Write it, or inherit from another server class.", id="chatkit.E007")


def check_attributes(server_class: Any, path: str) -> Iterator[CheckMessage]:
    for name, hint in server_attributes(server_class).items():
        value = getattr(server_class, name)
        if not fits(value, hint):
            message = f"{path}.{name} must be of type {type_name(hint)}, not {type(value).__name__}."
            yield Error(message, hint="Change the class attribute.", id="chatkit.E008")
        elif type(value) in (int, float) and value <= 0:
            message = f"{path}.{name} must be greater than 0, not {value}."
            yield Error(message, hint="Change the class attribute.", id="chatkit.E008")


def server_attributes(server_class: type) -> dict[str, Any]:
    """Names and types of the class attributes that our own base classes declare."""
    ours = [base for base in reversed(server_class.__mro__) if base.__module__.startswith(OUR_MODULES)]
    return {
        name: hint
        for base in ours
        for name, hint in inspect.get_annotations(base, eval_str=True).items()
        if name in vars(base)
    }


def check_anonymous(server_class: Any, path: str) -> Iterator[CheckMessage]:
    if server_class.allow_anonymous and not has_middleware(
        "django.contrib.sessions.middleware.SessionMiddleware"
    ):
        message = f"{path}.allow_anonymous needs sessions: they tell one visitor from another."
        hint = "Add 'django.contrib.sessions.middleware.SessionMiddleware' to MIDDLEWARE."
        yield Error(message, hint=hint, id="chatkit.E012")


def check_attachments(server_class: Any, path: str) -> Iterator[CheckMessage]:
    config = server_class.attachments
    if not hasattr(config, "problems"):
        return  # None, or of a wrong type, which is another check's business
    for problem in config.problems():
        hint = "Attachments(max_size=…, max_count=…, accept={…}, strategy=…) are its arguments."
        yield Error(f"{path}.attachments: {problem}.", hint=hint, id="chatkit.E016")
    if not has_place_for_files():
        message = f"{path} takes files, but MEDIA_ROOT is not set: they would lie in the working directory."
        hint = f"Add a private storage {STORAGE_ALIAS!r} to STORAGES, or set MEDIA_ROOT."
        yield Warning(message, hint=hint, id="chatkit.W012")


def check_feedback_question(server_class: Any, path: str) -> Iterator[CheckMessage]:
    question = server_class.feedback_question
    if not hasattr(question, "problems"):
        return  # None, or of a wrong type, which is another check's business
    for problem in question.problems():
        hint = "FeedbackQuestion(text, options=[…], multiple=…, thanks=…) are its arguments."
        yield Error(f"{path}.feedback_question: {problem}.", hint=hint, id="chatkit.E019")


@register(TAG)
def check_site_options(**kwargs: Any) -> list[CheckMessage]:
    options = conf.CHATKIT_OPTIONS
    return check_options(options, "CHATKIT_OPTIONS") if isinstance(options, dict) else []


def check_options(options: Any, where: str) -> list[CheckMessage]:
    if not isinstance(options, dict):
        return []
    hint = "The documentation lists every option, with the type that ChatKit wants."
    return [
        Error(f"{where}: {problem}", hint=hint, id="chatkit.E009")
        for problem in validate(options, partial=True)
    ]
