"""The options of settings, class and tag become one dict that is ready for the page."""

import json
from enum import Enum

import pytest
from django.conf.global_settings import LANGUAGES
from django.db.models import TextChoices
from django.utils.safestring import mark_safe
from django.utils.translation import gettext_lazy as _, override
from hypothesis import HealthCheck, given, settings, strategies as st

from django_chatkit import options
from django_chatkit.options.locales import RELATED
from django_chatkit.options.schema import OPTIONS, walk
from django_chatkit.options.shapes import (
    Choice,
    Flag,
    Function,
    Icon,
    Kind,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Shape,
    Tagged,
    Text,
)
from tests.test_options import FULL, TOOL


class TestDropInvalid:
    def test_keeps_what_is_right(self):
        assert options.drop_invalid(FULL) == (FULL, [])

    def test_drops_the_group(self):
        kept, problems = options.drop_invalid(
            {"theme": "system", "onReady": 1, 1: 2, "history": {"enabled": False}, "header": {"a.b": 1}}
        )
        assert kept == {"history": {"enabled": False}}
        assert [problem.path for problem in problems] == ["theme", "onReady", "[1]", 'header["a.b"]']

    def test_keeps_what_the_element_lives_with(self):
        given = {"locale": "xx", "composer": {"tools": [TOOL, TOOL]}}
        kept, problems = options.drop_invalid(given)
        assert kept == given
        assert [problem.path for problem in problems] == ["locale", "composer.tools[1].id"]

    def test_without_api_there_is_no_upload_strategy(self):
        given = {**FULL, "api": {"uploadStrategy": {"type": "two_phase"}, "headers": {}}}
        kept, problems = options.drop_invalid(given)
        assert set(FULL) - set(kept) == {"api", "composer"}
        assert [problem.path for problem in problems] == ["api.headers"]

    @pytest.mark.parametrize("given", [None, [], "theme"])
    def test_no_dict(self, given):
        kept, problems = options.drop_invalid(given)
        assert kept == {}
        assert len(problems) == 1


class TestMerge:
    @pytest.mark.parametrize(
        ("layers", "merged"),
        [
            ([], {}),
            (
                [{"history": {"enabled": True}}, None, {"history": {"showDelete": False}}],
                {"history": {"enabled": True, "showDelete": False}},
            ),
            ([{"composer": {"tools": [TOOL]}}, {"composer": {"tools": []}}], {"composer": {"tools": []}}),
            ([{"locale": "de"}, {"locale": "fr"}], {"locale": "fr"}),
            (
                [
                    {"locale": "de", "history": {"enabled": True}},
                    {"locale": None, "history": {"enabled": None}},
                ],
                {"history": {}},
            ),
            ([{"locale": None}, {"locale": "de"}], {"locale": "de"}),
            ([{"initialThread": "thr_1"}, {"initialThread": None}], {"initialThread": None}),
            ([{"initialThread": None}, {"initialThread": "thr_1"}], {"initialThread": "thr_1"}),
            (
                [{"theme": {"radius": "soft"}}, {"theme": "dark"}],
                {"theme": {"radius": "soft", "colorScheme": "dark"}},
            ),
            (
                [{"theme": "dark"}, {"theme": {"radius": "soft"}}],
                {"theme": {"radius": "soft", "colorScheme": "dark"}},
            ),
            ([{"theme": "dark"}, {"theme": "light"}], {"theme": "light"}),
            (
                [
                    {"api": {"url": "/", "uploadStrategy": {"type": "direct", "uploadUrl": "/"}}},
                    {"api": {"uploadStrategy": {"type": "two_phase"}}},
                ],
                {"api": {"url": "/", "uploadStrategy": {"type": "two_phase"}}},
            ),
        ],
    )
    def test_later_wins(self, layers, merged):
        assert options.merge(*layers) == merged

    def test_layers_stay_as_they_are(self):
        below, above = (
            {"composer": {"tools": [dict(TOOL)]}},
            {"composer": {"models": [{"id": "a", "label": "A"}]}},
        )
        merged = options.merge(below, above)
        merged["composer"]["tools"][0]["label"] = merged["composer"]["models"][0]["label"] = "changed"
        assert below == {"composer": {"tools": [TOOL]}}
        assert above == {"composer": {"models": [{"id": "a", "label": "A"}]}}

    def test_lazy_texts_stay_lazy(self):
        text = _("Save")
        assert options.merge({"frameTitle": text})["frameTitle"] is text


class TestResolve:
    def test_lazy_texts_in_the_active_language(self):
        given = {"frameTitle": _("Save"), "startScreen": {"prompts": ({"label": _("Save"), "prompt": "x"},)}}
        with override("de"):
            german = options.resolve(given)
        assert german == {
            "frameTitle": "Sichern",
            "startScreen": {"prompts": [{"label": "Sichern", "prompt": "x"}]},
        }
        assert options.resolve(given)["frameTitle"] == "Save"

    def test_none_is_absent_except_for_a_new_thread(self):
        given = {"locale": None, "initialThread": None, "header": {"title": None}}
        assert options.resolve(given) == {"initialThread": None, "header": {}}
        assert options.resolve({}) == {}

    @pytest.mark.parametrize(
        "text", [mark_safe("a"), TextChoices("Letter", ["a"]).a, Enum("Letter", {"A": "a"}, type=str).A]
    )
    def test_text_of_other_classes(self, text):
        resolved = options.resolve({"frameTitle": text})["frameTitle"]
        assert type(resolved) is str
        assert resolved == "a"

    def test_gives_a_copy(self):
        given = {"composer": {"tools": [dict(TOOL)]}}
        options.resolve(given)["composer"]["tools"][0]["label"] = "changed"
        assert given == {"composer": {"tools": [TOOL]}}

    def test_no_dict(self):
        assert options.resolve(None) == {}


# Languages of Django that ChatKit.js does not know: their readers see English.
ENGLISH = (
    "af ast az be br ckb cy dsb en en-au en-gb eo eu fa fy ga gd gl he hsb ht ia ig io kab km ky lb ne "
    "os tg tk tt udm ug uz"
)


class TestLocale:
    @pytest.mark.parametrize("code", [code for code, name in LANGUAGES])
    def test_each_language_of_django(self, code):
        locale = options.chatkit_locale(code)
        assert locale in options.LOCALES
        assert (locale == "en") == (code in ENGLISH.split())
        assert locale[:2] == code[:2] or locale == "en" or (code, locale) == ("nn", "nb")

    @pytest.mark.parametrize(
        ("code", "locale"),
        [
            ("pt-br", "pt-BR"),
            ("pt", "pt"),
            ("pt-ao", "pt-PT"),
            ("zh-hans", "zh-CN"),
            ("zh-hant", "zh-Hant"),
            ("zh_Hant_HK", "zh-HK"),
            ("zh-tw", "zh-TW"),
            ("zh-sg", "zh"),
            ("es-mx", "es-419"),
            ("es-es", "es-ES"),
            ("es-gq", "es"),
            ("fr-ca", "fr-CA"),
            ("fr-ch", "fr"),
            ("de-at", "de"),
            ("no", "nb"),
            ("fil-ph", "tl"),
            ("sr-latn", "sr"),
            ("EN-us", "en"),
            ("", "en"),
            ("-", "en"),
            ("tlh", "en"),
        ],
    )
    def test_codes(self, code, locale):
        assert options.chatkit_locale(code) == locale

    def test_related_locales_exist(self):
        assert set(RELATED.values()) <= set(options.LOCALES)


def values(kind: Kind) -> st.SearchStrategy:
    """Whatever the schema allows."""
    match kind:
        case Text():
            return st.text(max_size=8)
        case Flag():
            return st.booleans()
        case Number():
            low, high = kind.minimum or 0, kind.maximum or 2**53
            return st.integers(low, high) | st.floats(low, high)
        case Icon():
            lucide = [st.just("lucide:truck")] if kind.lucide else []
            return st.one_of(st.sampled_from(kind.values), *lucide)
        case Choice():
            return st.sampled_from(kind.values)
        case ListOf():
            lists = st.lists(values(kind.item), max_size=2)
            return lists | lists.map(tuple)
        case MapOf():
            return st.dictionaries(st.text(max_size=5), values(kind.item), max_size=2)
        case Shape():
            return shapes(kind)
        case Tagged():
            return st.one_of([shapes(shape, "type") for shape in kind.variants.values()])
        case OneOf():
            return st.one_of([values(choice) for choice in kind.kinds])
    return JSON


def shapes(shape: Shape, *required: str) -> st.SearchStrategy:
    required = {*required, *shape.required}
    keys = {key: values(kind) for key, kind in shape.keys.items() if not isinstance(kind, Function)}
    return st.fixed_dictionaries(
        {key: keys[key] for key in sorted(required)},
        optional={key: keys[key] for key in keys if key not in required},
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = sorted({path.rpartition(".")[2].removesuffix("[]") for path, kind in walk(OPTIONS)})
ALMOST = st.dictionaries(
    st.sampled_from(list(OPTIONS.keys)), JSON | st.dictionaries(st.sampled_from(KEYS), JSON)
)


# Shared machines are slow at times: that is no failure.
patiently = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


class TestProperties:
    @patiently
    @given(values(OPTIONS))
    def test_what_the_schema_allows_is_kept(self, given):
        given["api"] = {"uploadStrategy": {"type": "two_phase"}}
        assert options.drop_invalid(given)[0] == given

    @patiently
    @given(JSON | ALMOST)
    def test_nothing_raises(self, given):
        for problem in options.validate(given):
            assert str(problem)
        options.resolve(options.merge(given, given))

    @patiently
    @given(ALMOST, values(OPTIONS))
    def test_what_is_kept_is_ready_for_the_page(self, below, above):
        kept, _ignored = options.drop_invalid(options.merge(below, above))
        resolved = options.resolve(kept)
        assert json.loads(json.dumps(resolved, allow_nan=False)) == resolved
        assert options.drop_invalid(resolved)[0] == resolved

    @patiently
    @given(values(OPTIONS))
    def test_merging_twice_changes_nothing(self, layer):
        once = options.merge(layer)
        assert options.merge(layer, layer) == once
        assert options.resolve(once) == options.resolve(layer)
