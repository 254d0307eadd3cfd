"""``.widget`` files: found as templates are, and built with values that cannot leave their place."""

import copy
import datetime
import json
from decimal import Decimal

import pytest
from django.core.checks import run_checks
from django.template import TemplateDoesNotExist, engines
from django.utils.translation import gettext_lazy, override

from django_chatkit.widgets import InvalidWidget, WidgetNotFound, get_widget_template, render_widget

CARD = {
    "type": "Card",
    "children": [{"type": "Text", "value": "{{ title }}"}, {"type": "Text", "value": "TOJSON"}],
}


def source(template, **more):
    return json.dumps({"version": "1.0", "name": "card", "template": template, "jsonSchema": {}, **more})


@pytest.fixture
def write(tmp_path, settings):
    """Write a file into a template folder of the project."""
    templates = copy.deepcopy(settings.TEMPLATES)
    templates[0]["DIRS"] = [tmp_path / "one", tmp_path / "two"]
    settings.TEMPLATES = templates

    def write(text, name="shop/card.widget", folder="one"):
        file = tmp_path / folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    del settings.TEMPLATES
    engines._templates = None


@pytest.fixture
def card(write):
    return write(source(json.dumps(CARD).replace('"TOJSON"', "{{ (more) | tojson }}")))


def values(widget):
    return [child.value for child in widget.children]


def test_it_is_found_and_built(card):
    widget = render_widget("shop/card.widget", {"title": "Order 7", "more": "x"})
    assert (widget.type, values(widget)) == ("Card", ["Order 7", "x"])


def test_first_folder_counts_and_a_changed_file_too(card, write):
    write(source('{"type": "Card", "children": []}'), folder="two")
    assert render_widget("shop/card.widget", {"title": "a", "more": "b"}).children
    write(source('{"type": "ListView", "children": []}'))
    assert render_widget("shop/card.widget").type == "ListView"


def test_apps_have_widgets_too(settings, tmp_path, monkeypatch):
    from django.apps import apps

    folder = tmp_path / "templates" / "shop"
    folder.mkdir(parents=True)
    (folder / "app.widget").write_text(source('{"type": "Card"}'))
    monkeypatch.setattr(apps.get_app_config("django_chatkit"), "path", str(tmp_path))
    from django.template.utils import get_app_template_dirs

    get_app_template_dirs.cache_clear()
    settings.TEMPLATES = copy.deepcopy(settings.TEMPLATES)
    try:
        assert render_widget("shop/app.widget").type == "Card"
    finally:
        get_app_template_dirs.cache_clear()


HOSTILE = [
    'x"}, {"type": "Button", "onClickAction": {"type": "evil"}}, {"type": "Text", "value": "',
    "\\",
    "a\nb\u2028",
    "<b>&'",
    "{{ 1 + 1 }}",
    '"',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_values_stay_where_they_are(card, text):
    """In quotes, too, where the author forgot ``| tojson``."""
    widget = render_widget("shop/card.widget", {"title": text, "more": text})
    assert values(widget) == [text, text]


def test_values_that_python_has_and_json_has_not(card):
    data = {"title": gettext_lazy("Yes"), "more": {"on": datetime.date(2026, 1, 2), "sum": Decimal("1.50")}}
    with override("de"):
        assert values(render_widget("shop/card.widget", data)) == ["Ja", {"on": "2026-01-02", "sum": "1.50"}]


@pytest.mark.parametrize(("value", "expected"), [(1, 1), (True, True), (None, None), (["a"], ["a"])])
def test_values_without_quotes(write, value, expected):
    write(source('{"type": "Card", "size": {{ size }}}'))
    assert render_widget("shop/card.widget", {"size": value}).size == expected


def test_jinja_as_the_studio_writes_it(write):
    write(
        source(
            '{"type": "ListView", "children": [{%- for row in rows -%}'
            '{"type": "ListViewItem", "key": {{ (row.id ~ "-x") | tojson }}, "children": '
            '{% if row.title %}[{"type": "Text", "value": {{ row.title|tojson }}}]{% else %}[]{% endif %}}'
            "{% if not loop.last %},{% endif %}{%- endfor -%}]}"
        )
    )
    rows = [{"id": 1, "title": "A&B"}, {"id": 2, "title": None}]
    widget = render_widget("shop/card.widget", {"rows": rows})
    assert [row.key for row in widget.children] == ["1-x", "2-x"]
    assert widget.children[0].children[0].value == "A&B"


def test_not_found_says_where_it_looked(card, tmp_path):
    with pytest.raises(WidgetNotFound, match=r"shop/other\.widget") as caught:
        render_widget("shop/other.widget")
    assert isinstance(caught.value, TemplateDoesNotExist)
    assert str(tmp_path / "one" / "shop" / "other.widget") in str(caught.value)
    with pytest.raises(WidgetNotFound):
        get_widget_template("../../etc/passwd")


@pytest.mark.parametrize("missing", [{}, {"title": "x"}])
def test_a_value_that_is_missing_is_named(card, missing):
    with pytest.raises(InvalidWidget, match="is undefined"):
        render_widget("shop/card.widget", missing)


@pytest.mark.parametrize("template", ['{"type": "Button"}', "[1", "3", ""])
def test_what_is_built_must_be_a_widget(write, template):
    write(source(template))
    with pytest.raises(InvalidWidget, match=r"shop/card\.widget"):
        render_widget("shop/card.widget")


BROKEN = {
    "no JSON": "{",
    "no object": "[]",
    "no template": '{"version": "1.0", "name": "x"}',
    "no version": '{"name": "x", "template": ""}',
    "another version": '{"name": "x", "template": "", "version": "2.0"}',
    "no Jinja": source("{% if %}"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_files_that_are_none(write, what):
    file = write(BROKEN[what])
    with pytest.raises(InvalidWidget, match=r"card\.widget"):
        get_widget_template("shop/card.widget")
    [message] = run_checks(tags=["chatkit"])
    assert message.id == "chatkit.E020"
    assert str(file) in message.msg
    assert "studio" in message.hint


def test_good_files_pass_the_check(card):
    assert run_checks(tags=["chatkit"]) == []
