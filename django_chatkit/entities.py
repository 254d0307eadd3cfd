"""@-mentions of Django models: what can be found, and what a mention stands for at the moment it is read.

The browser keeps a mention's id, title and data, and sends them back. Only the id is used, and only to
fetch the object again, from those that the person may mention now.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_, or_
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlsplit

from django.contrib.auth import get_permission_codename
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, Q, QuerySet
from django.utils.text import capfirst

from .logs import log_failure

if TYPE_CHECKING:
    from .context import ChatKitContext
    from .sdk import types

MAX_QUERY_LENGTH = 100
MAX_WORDS = 8
MAX_TITLE_LENGTH = 200
MAX_ID_LENGTH = 255


class ModelEntity:
    """Objects of one model that people can mention, declared as a ``ModelAdmin`` is."""

    model: type[Model]
    """Whose objects?"""

    search_fields: Sequence[str] = ()
    """Where are words looked for? As in a ``ModelAdmin``, with ``^`` for the beginning only."""

    facts: Sequence[str] = ()
    """Which fields, properties and methods of the object does the assistant read?"""

    name: str = ""
    """The first part of ids, which are stored in messages; by default ``shop.order``."""

    group: str = ""
    """The heading in the menu; by default the model's plural name."""

    icon: str = ""
    """One of ChatKit's icons."""

    limit: int = 5
    """How many of them does the menu show?"""

    interactive: bool = True
    """Can a mention be clicked, and looked at while the pointer rests on it?"""

    def get_queryset(self, context: ChatKitContext) -> QuerySet[Any]:
        """What this person may mention, by default everything for whoever has the model's ``view``
        permission, and nothing for everybody else.

        Asked for each search, each preview, and each time that an assistant reads a mention.
        """
        user: Any = context.user
        codename = get_permission_codename("view", self.model._meta)
        objects = self.model._default_manager.all()
        allowed = user is not None and user.has_perm(f"{self.model._meta.app_label}.{codename}")
        return objects if allowed else objects.none()

    def get_title(self, obj: Any) -> str:
        """What stands in the menu and in the message."""
        return str(obj)

    def get_data(self, obj: Any, context: ChatKitContext) -> dict[str, str]:
        """Small strings for page code; they are stored with the message."""
        return {}

    def get_facts(self, obj: Any, context: ChatKitContext) -> dict[str, Any]:
        """What the assistant reads: by default the object's ``str()``, and what ``facts`` names."""
        return {"object": str(obj), **{name: read(obj, name) for name in self.facts}}

    def get_preview(self, obj: Any, context: ChatKitContext) -> Any:
        """A widget to show while the pointer rests on the mention; None for none."""
        return None

    def get_url(self, obj: Any, context: ChatKitContext) -> str:
        """Where a click leads: by default the object's ``get_absolute_url()``, if there is one."""
        return str(obj.get_absolute_url()) if hasattr(obj, "get_absolute_url") else ""

    # Ids

    @classmethod
    def get_name(cls) -> str:
        return cls.name or cls.model._meta.label_lower

    @classmethod
    def get_id(cls, obj: Any) -> str:
        return f"{cls.get_name()}:{obj.pk}"

    @classmethod
    def clean_pk(cls, entity_id: str) -> Any:
        """The key in an id. Raises ValidationError for one that the model cannot have."""
        pk: Any = cls.model._meta.pk
        while pk.is_relation:  # a child's key is its parent's, which knows what it can be
            pk = pk.target_field
        value = pk.to_python(entity_id.removeprefix(f"{cls.get_name()}:"))
        pk.run_validators(value)  # a number too large would be an error of the database
        return value

    # Uses

    def search(self, query: str, context: ChatKitContext) -> list[Any]:
        """The first objects in which every word is found; without words, the first ones."""
        found = self.get_queryset(context)
        words = query.split()[:MAX_WORDS] if self.search_fields else []
        if words:
            found = found.filter(reduce(and_, (self.condition(word) for word in words)))
        if words and any(is_to_many(self.model, to_lookup(field)) for field in self.search_fields):
            found = found.distinct()
        return list(found[: self.limit])

    def condition(self, word: str) -> Q:
        return reduce(or_, (Q(**{to_lookup(field): word}) for field in self.search_fields))

    def fetch(self, entity_ids: Iterable[str], context: ChatKitContext) -> dict[str, Any]:
        """The objects behind ids of this entity, in one query; without those that may not be mentioned."""
        wanted: dict[str, Any] = {}
        for entity_id in entity_ids:
            try:
                wanted[entity_id] = self.clean_pk(entity_id)
            except ValidationError:
                continue
        if not wanted:
            return {}
        found = {obj.pk: obj for obj in self.get_queryset(context).filter(pk__in=set(wanted.values()))}
        return {entity_id: found[pk] for entity_id, pk in wanted.items() if pk in found}

    def to_json(self, obj: Any, context: ChatKitContext) -> dict[str, Any]:
        """An ``Entity`` of ChatKit.js."""
        optional = {"icon": self.icon} if self.icon else {}
        return {
            "id": self.get_id(obj),
            "title": str(self.get_title(obj))[:MAX_TITLE_LENGTH],
            "group": str(self.group or capfirst(self.model._meta.verbose_name_plural)),
            "interactive": self.interactive,
            "data": {str(key): str(value) for key, value in self.get_data(obj, context).items()},
            **optional,
        }

    def describe(self, obj: Any, context: ChatKitContext) -> dict[str, Any]:
        """What the page shows and opens: a preview and an address."""
        url = self.get_url(obj, context)
        return {"preview": to_basic(self.get_preview(obj, context)), "url": url if is_web_url(url) else ""}

    @classmethod
    def mention(cls, obj: Any, context: ChatKitContext) -> dict[str, Any]:
        """The object as a part of a message, for a prompt of the start screen or a command."""
        entity = cls().to_json(obj, context)
        entity.pop("icon", None)
        return {"type": "input_tag", "text": entity.pop("title"), **entity}


Entities = Sequence[type[ModelEntity]]


@dataclass(frozen=True)
class Mention:
    """Something that a person mentioned, as it is now, fetched with that person's rights."""

    id: str
    object: Any
    entity: ModelEntity
    facts: dict[str, Any]


def search(entities: Entities, query: str, context: ChatKitContext) -> list[dict[str, Any]]:
    """What the menu shows for a query."""
    made = [entity() for entity in entities]
    return [entity.to_json(obj, context) for entity in made for obj in entity.search(query, context)]


def describe(entities: Entities, entity_id: str, context: ChatKitContext) -> dict[str, Any] | None:
    """Preview and address of one mention; None for what is gone, or not for this person."""
    for entity, found in fetch(entities, [entity_id], context):
        for obj in found.values():
            return entity.describe(obj, context)
    return None


def find_mentions(entities: Entities, ids: Iterable[str], context: ChatKitContext) -> dict[str, Mention]:
    """The mentions that this person may make now, by their ids. One query for each kind of entity."""
    mentions = {}
    for entity, found in fetch(entities, ids, context):
        for entity_id, obj in found.items():
            try:
                facts = to_plain(entity.get_facts(obj, context))
            except Exception as error:  # one object that cannot be described must not end the conversation
                log_failure(f"The facts of {entity.get_id(obj)} could not be read", "-", error)
            else:
                mentions[entity_id] = Mention(entity_id, obj, entity, facts)
    return mentions


def fetch(
    entities: Entities, ids: Iterable[str], context: ChatKitContext
) -> Iterable[tuple[ModelEntity, dict[str, Any]]]:
    wanted = [entity_id for entity_id in ids if len(entity_id) <= MAX_ID_LENGTH and "\0" not in entity_id]
    for entity in entities:
        prefix = f"{entity.get_name()}:"
        own = [entity_id for entity_id in wanted if entity_id.startswith(prefix)]
        if own:
            made = entity()
            yield made, made.fetch(own, context)


def mentioned_ids(message: types.UserMessageItem | None) -> list[str]:
    """The ids of a message's mentions, each once: what the browser says was mentioned."""
    parts = message.content if message is not None else []
    return list(dict.fromkeys(part.id for part in parts if part.type == "input_tag"))


def content(*parts: str | dict[str, Any]) -> list[dict[str, Any]]:
    """A prompt of text and mentions: ``content("Where is ", OrderEntity.mention(order, context), "?")``."""
    return [{"type": "input_text", "text": part} if isinstance(part, str) else part for part in parts]


# Fields


def to_lookup(field: str) -> str:
    return f"{field[1:]}__istartswith" if field.startswith("^") else f"{field}__icontains"


def is_to_many(model: type[Model], path: str) -> bool:
    """Does a lookup go over several rows, so that one object could be found twice?"""
    options = model._meta
    for step in path.split("__"):
        try:
            field: Any = options.get_field(step)
        except FieldDoesNotExist:
            return False
        if field.one_to_many or field.many_to_many:
            return True
        if not field.is_relation:
            return False
        options = field.related_model._meta
    return False


def read(obj: Any, name: str) -> Any:
    """A choice by its label, a method by its result, and a related object by its ``str()``."""
    value = getattr(obj, f"get_{name}_display", None) or getattr(obj, name)
    value = value() if callable(value) else value
    return str(value) if isinstance(value, Model) else value


def to_plain(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Facts as JSON has them: dates, decimals and lazy translations as text. Raises TypeError."""
    return cast("dict[str, Any]", json.loads(json.dumps(facts, cls=DjangoJSONEncoder)))


# The page


def to_basic(widget: Any) -> dict[str, Any] | None:
    """A widget, or its JSON, in the only root that a preview may have."""
    if widget is None:
        return None
    if hasattr(widget, "model_dump"):
        widget = widget.model_dump(mode="json", exclude_none=True)
    basic: dict[str, Any] = (
        widget if widget.get("type") == "Basic" else {"type": "Basic", "children": [widget]}
    )
    return basic


def is_web_url(url: str) -> bool:
    try:
        return urlsplit(url).scheme in ("", "http", "https")
    except ValueError:
        return False
