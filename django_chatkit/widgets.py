"""Widgets from ``.widget`` files, found where Django finds templates.

``shop/templates/shop/order.widget`` is what https://widgets.chatkit.studio writes, and has the name
``"shop/order.widget"``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.template import Origin, TemplateDoesNotExist, engines
from django.template.backends.django import DjangoTemplates
from django.utils.functional import Promise
from jinja2 import Environment, StrictUndefined, TemplateError, Undefined
from markupsafe import Markup

from .sdk import types  # noqa: F401  (it imports the SDK quietly)

from chatkit.widgets import DynamicWidgetRoot, WidgetTemplate


class WidgetNotFound(TemplateDoesNotExist):
    """No template folder has a ``.widget`` file of this name. ``tried`` says which were looked at."""

    def __str__(self) -> str:
        places = ", ".join(str(origin.name) for origin, _reason in self.tried) or "no template folder"
        return f"{self.args[0]} (looked at: {places})"


class InvalidWidget(ValueError):
    """A ``.widget`` file, or what came of it, is no widget."""


def render_widget(name: str, context: Mapping[str, Any] | None = None) -> DynamicWidgetRoot:
    """A widget from a ``.widget`` file, with the values that its template names.

    Raises WidgetNotFound, and InvalidWidget.
    """
    template = get_widget_template(name)
    try:
        return template.build(dict(context or {}))
    except (ValueError, TypeError, TemplateError) as error:  # JSON's and pydantic's errors are ValueErrors
        raise InvalidWidget(f"{name} gives no widget: {error}") from error


def get_widget_template(name: str) -> WidgetTemplate:
    """Raises WidgetNotFound, and InvalidWidget."""
    tried: list[tuple[Origin, str]] = []
    for loader in loaders():
        for origin in loader.get_template_sources(name):
            try:
                return parse(loader.get_contents(origin), str(origin.name))
            except TemplateDoesNotExist:
                tried.append((origin, "Source does not exist"))
    raise WidgetNotFound(name, tried=tried)


def loaders() -> Iterator[Any]:
    for engine in engines.all():
        if isinstance(engine, DjangoTemplates):
            yield from engine.engine.template_loaders


@lru_cache(maxsize=256)
def parse(source: str, name: str) -> WidgetTemplate:
    """Kept by its text, so that a file that changes is read anew. Raises InvalidWidget."""
    try:
        definition = json.loads(source)
        template = jinja.from_string(definition["template"])
        return WidgetTemplate({**definition, "template": template})
    except KeyError as error:
        raise InvalidWidget(f"{name} has no {error}.") from error
    except Exception as error:
        raise InvalidWidget(f"{name} is no .widget file: {error}") from error


class Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, Undefined):
            str(o)  # raises, and says what is missing
        return super().default(o)


def to_json(value: Any, **options: Any) -> str:
    return json.dumps(value, cls=Encoder, **options)


def as_json(value: Any) -> Any:
    """A value that stands in a template without ``| tojson``: text cannot leave its quotes."""
    if hasattr(value, "__html__"):
        return value
    text = to_json(value)
    return Markup(text[1:-1] if isinstance(value, str | Promise) else text)  # noqa: S704


def make_environment() -> Environment:
    """As the SDK's own, with Django's JSON (dates, decimals, lazy texts), and escaping for JSON."""
    # What as_json() gives is safe already, so nothing is ever escaped for HTML.
    environment = Environment(undefined=StrictUndefined, autoescape=True, finalize=as_json)
    environment.policies["json.dumps_function"] = to_json
    return environment


jinja = make_environment()
