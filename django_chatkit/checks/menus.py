"""Checks of what the composer's menus offer: mentions, commands, models and tools, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import FieldDoesNotExist

from django_chatkit.checks.values import did_you_mean
from django_chatkit.commands import Command, problems, walk
from django_chatkit.conf import conf
from django_chatkit.entities import ModelEntity
from django_chatkit.options import ICONS, merge
from django_chatkit.throttling import Rate

RATES = ("message_rate", "search_rate")
ICON_HINT = "The icons are in django_chatkit.options.ICONS; or write lucide: and a name of lucide.dev."


def check_menus(server_class: Any, path: str) -> Iterator[CheckMessage]:
    """Only what a class declares can be told; what hooks return for a person cannot."""
    yield from check_rates(server_class, path)
    yield from check_entities(server_class.entities, path)
    yield from check_commands(server_class, path)
    if hasattr(server_class, "model_choices"):
        yield from check_choices(server_class, path)


def check_rates(server_class: Any, path: str) -> Iterator[CheckMessage]:
    used = [name for name in RATES if isinstance(getattr(server_class, name), str)]
    for name in used:
        try:
            Rate.parse(getattr(server_class, name))
        except ValueError as error:
            hint = 'Write a number and a time, such as "30/m" or "100/10m"; None for no limit.'
            yield Error(f"{path}.{name}: {error}.", hint=hint, id="chatkit.E040")
    cache = settings.CACHES.get("default", {}).get("BACKEND", "")
    if "message_rate" in used and cache.endswith("DummyCache"):
        message = f"{path}.message_rate has no effect: the default cache keeps nothing."
        yield Warning(message, hint="Use another backend in CACHES.", id="chatkit.W040")


# Mentions


def check_entities(entities: Any, path: str) -> Iterator[CheckMessage]:
    if not isinstance(entities, (list, tuple)):
        return  # another check's business
    names: set[str] = set()
    for entity in entities:
        if not (isinstance(entity, type) and issubclass(entity, ModelEntity) and hasattr(entity, "model")):
            message = f"{path}.entities: {entity!r} is no subclass of ModelEntity with a model."
            yield Error(message, hint="class OrderEntity(ModelEntity): model = Order", id="chatkit.E041")
            continue
        where = f"{path}.entities: {entity.__name__}"
        yield from check_entity(entity, where)
        if entity.get_name() in names:
            message = (
                f"{where} has the name {entity.get_name()!r}, as another one: their ids would be mixed up."
            )
            yield Error(message, hint="Give one of them a name.", id="chatkit.E041")
        names.add(entity.get_name())


def check_entity(entity: type[ModelEntity], where: str) -> Iterator[CheckMessage]:
    known = [field.name for field in entity.model._meta.get_fields()]
    for field in entity.search_fields:
        if not is_searchable(entity.model, field.removeprefix("^")):
            message = f"{where}.search_fields: {field!r} is no field that words can be looked for in."
            yield Error(message, hint=did_you_mean(field, known), id="chatkit.E042")
    for name in entity.facts:
        if name not in known and not hasattr(entity.model, name):
            message = f"{where}.facts: {entity.model.__name__} has no {name!r}."
            yield Error(message, hint=did_you_mean(name, known), id="chatkit.E042")
    if entity.limit < 1 or ":" in entity.name:
        message = f"{where}: limit must be greater than 0, and name must have no colon."
        yield Error(message, hint="Change the class attribute.", id="chatkit.E041")
    if not is_icon(entity.icon):
        yield Error(f"{where}.icon: there is no {entity.icon!r}.", hint=ICON_HINT, id="chatkit.E043")


def is_searchable(model: Any, path: str) -> bool:
    """Does the path end at a column, and not at a relation or nowhere?"""
    for step in path.split("__"):
        try:
            field = model._meta.get_field("id" if step == "pk" else step) if model is not None else None
        except FieldDoesNotExist:
            return False
        if field is None:
            return False
        model = field.related_model if field.is_relation else None
    return model is None


def is_icon(name: str) -> bool:
    return not name or name in ICONS or (name.startswith("lucide:") and name != "lucide:")


# Commands, models and tools


def check_commands(server_class: Any, path: str) -> Iterator[CheckMessage]:
    commands = server_class.commands
    if not isinstance(commands, (list, tuple)) or not all(isinstance(each, Command) for each in commands):
        message = f"{path}.commands must be a list of Command."
        yield Error(message, hint="from django_chatkit.commands import Command", id="chatkit.E044")
        return
    tools, models = offered(server_class, "tools"), offered(server_class, "models")
    for problem in problems(commands, tools, models, server_class.page_actions):
        hint = "A command's tool, model and action are declared in options and page_actions."
        yield Error(f"{path}.commands: {problem}.", hint=hint, id="chatkit.E044")
    for command in walk(commands):
        if not is_icon(command.icon):
            message = f"{path}.commands: {command.id!r} has the icon {command.icon!r}, which is none."
            yield Error(message, hint=ICON_HINT, id="chatkit.E043")


class Anything:
    """Holds everything: what a hook offers is not known here."""

    def __contains__(self, value: object) -> bool:
        return True


def offered(server_class: Any, group: str) -> Any:
    """The ids that the composer offers."""
    if "get_options" in {name for base in server_class.__mro__[:-1] for name in own(base)}:
        return Anything()
    return [option.get("id") for option in composer(server_class).get(group) or () if is_dict(option)]


def own(base: type) -> set[str]:
    return set() if base.__module__.startswith(("django_chatkit.", "chatkit.")) else set(vars(base))


def is_dict(value: Any) -> bool:
    return isinstance(value, Mapping)


def composer(server_class: Any) -> Any:
    options = merge(conf.CHATKIT_OPTIONS, server_class.options)
    return options["composer"] if is_dict(options.get("composer")) else {}


def check_choices(server_class: Any, path: str) -> Iterator[CheckMessage]:
    """Ids that stand for nothing, and names of tools that the agent does not have."""
    for attribute, group in (("model_choices", "models"), ("tool_choices", "tools")):
        mapping, ids = getattr(server_class, attribute), offered(server_class, group)
        if isinstance(ids, Anything) or not is_dict(mapping) or not mapping:
            continue
        for name in [*(set(ids) - set(mapping)), *(set(mapping) - set(ids))]:
            message = (
                f'{path}: the id {name!r} must be both in {attribute} and in options["composer"]["{group}"].'
            )
            yield Error(
                message, hint=f"Add it where it is missing, or remove {attribute}.", id="chatkit.E045"
            )
    yield from check_tool_names(server_class, path)


def check_tool_names(server_class: Any, path: str) -> Iterator[CheckMessage]:
    agent, ids = server_class.agent, offered(server_class, "tools")
    if not hasattr(agent, "tools") or isinstance(ids, Anything) or not is_dict(server_class.tool_choices):
        return
    known = [tool.name for tool in agent.tools] + ["auto", "required", "none"]
    for name in ids:
        tool = server_class.tool_choices.get(name, name)
        if tool not in known:
            message = (
                f"{path}: the composer's tool {name!r} stands for {tool!r}, which the agent does not have."
            )
            hint = f"Add it to tool_choices. {did_you_mean(str(tool), known)}"
            yield Error(message, hint=hint, id="chatkit.E046")
