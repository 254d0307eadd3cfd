"""Checks of the tools of a server's agent: permissions that do not exist, questions that cannot be put."""

from __future__ import annotations

import string
import sys
from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register
from django.db import DatabaseError

from django_chatkit.checks.values import TAG, did_you_mean
from django_chatkit.servers import servers

PERMISSION_HINT = 'Write app_label.codename, such as "shop.view_order".'


def check_tools(server_class: Any, path: str) -> Iterator[CheckMessage]:
    """What is wrong with a tool can be told from its declaration."""
    for guard in guards(server_class):
        where = f"{path}.agent: the tool {guard.name}"
        for permission in guard.permissions:
            if permission.count(".") != 1 or not all(permission.split(".")):
                message = f"{where} has the permission {permission!r}, which nobody can have."
                yield Error(message, hint=PERMISSION_HINT, id="chatkit.E030")
        for name in unknown_names(guard):
            message = f"{where} asks for a confirmation with {{{name}}}, which is no argument of it."
            hint = did_you_mean(name, list(guard.schema.params_json_schema.get("properties", {})))
            yield Error(message, hint=hint or "Use the names of its arguments.", id="chatkit.E031")


def unknown_names(guard: Any) -> list[str]:
    """Names in the question's template that the tool has no argument for."""
    if guard.confirm is None or callable(guard.confirm):
        return []
    try:
        fields = [
            field for _, field, _, _ in string.Formatter().parse(str(guard.confirm)) if field is not None
        ]
    except ValueError as error:
        return [str(error)]
    known = guard.schema.params_json_schema.get("properties", {})
    names = (field.partition(".")[0].partition("[")[0] for field in fields)
    return [name for name in names if name not in known]


@register(TAG, deploy=True)
def check_permissions(**kwargs: Any) -> list[CheckMessage]:
    """Permissions that the database does not know, of the servers that are loaded."""
    try:
        return [message for alias in servers for message in unknown_permissions(alias)]
    except DatabaseError:  # no database, or not migrated: that is for others to say
        return []


def unknown_permissions(alias: str) -> Iterator[CheckMessage]:
    try:
        server_class = type(servers[alias])
    except Exception:  # the checks of servers say what is wrong with it
        return
    for guard in guards(server_class):
        for permission in guard.permissions:
            app_label, _, codename = permission.partition(".")
            if codename and not permission_exists(app_label, codename):
                message = (
                    f"The tool {guard.name} has the permission {permission!r}, which is not in the database."
                )
                hint = "Correct it, run migrate, or silence this if a backend of yours gives it."
                yield Warning(message, hint=hint, id="chatkit.W030")


def permission_exists(app_label: str, codename: str) -> bool:
    if not apps.is_installed("django.contrib.auth"):
        return True
    model: Any = apps.get_model("auth.Permission")
    return bool(model.objects.filter(content_type__app_label=app_label, codename=codename).exists())


def guards(server_class: Any) -> list[Any]:
    """The tools of the class's agents that were made with ours; none where the agents are not loaded."""
    module: Any = sys.modules.get("django_chatkit.agents.settlement")
    choices = getattr(server_class, "model_choices", None)
    agents = [getattr(server_class, "agent", None), *(choices.values() if isinstance(choices, dict) else ())]
    agents = [agent for agent in agents if module is not None and hasattr(agent, "tools")]
    seen: set[int] = set()
    owners = (owner for agent in agents for owner in module.reachable(agent, seen))
    found = (module.get_guard(tool) for owner in owners for tool in owner.tools)
    return [guard for guard in found if guard is not None]
