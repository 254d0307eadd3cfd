"""ChatKit.js options as people write them: every mistake has a path and says what to write instead."""

import math
import re
import subprocess
import sys

import pytest
from django.utils.functional import lazy, lazystr
from django.utils.translation import gettext_lazy as _

from django_chatkit import options
from django_chatkit.options.schema import OPTIONS, walk

IN_THE_PAGE = (
    'is a function in ChatKit.js, so add it in the page, in a listener for the "chatkit:options" event'
)
TOOL = {"id": "web", "label": "Search", "icon": "globe"}

FULL = {
    "api": {"url": "/chatkit/", "domainKey": "local-dev", "uploadStrategy": {"type": "two_phase"}},
    "locale": "pt-BR",
    "theme": {
        "colorScheme": "dark",
        "typography": {
            "baseSize": 16,
            "fontSources": [
                {
                    "family": "Inter",
                    "src": "/inter.woff2",
                    "weight": 400,
                    "style": "normal",
                    "display": "swap",
                },
                {"family": "Mono", "src": "/mono.woff2", "weight": "100 900", "unicodeRange": "U+26"},
            ],
            "fontFamily": "Inter, sans-serif",
            "fontFamilyMono": "Mono",
        },
        "radius": "round",
        "density": "compact",
        "color": {
            "grayscale": {"hue": 220, "tint": 6, "shade": -4},
            "accent": {"primary": "#0f766e", "level": 0},
            "surface": {"background": "#fff", "foreground": "#111"},
        },
    },
    "frameTitle": "Support",
    "initialThread": None,
    "header": {
        "enabled": True,
        "title": {"enabled": True, "text": "Support"},
        "leftAction": {"icon": "home"},
        "rightAction": {"icon": "settings-cog"},
    },
    "history": {"enabled": True, "showDelete": False, "showRename": True},
    "startScreen": {
        "greeting": "How can we help?",
        "prompts": [
            {"label": "Track an order", "prompt": "Where is it?", "icon": "lucide:truck"},
            {
                "label": "Ask about this",
                "prompt": [
                    {"type": "input_text", "text": "What is "},
                    {"type": "input_tag", "text": "#1", "id": "1", "data": {"n": 1}, "interactive": True},
                ],
                "icon": "circle-question",
            },
        ],
    },
    "threadItemActions": {"feedback": True, "retry": False},
    "composer": {
        "placeholder": "Write",
        "attachments": {
            "enabled": True,
            "maxSize": {"image/*": 5_000_000, "*": 1_000_000},
            "maxCount": 3,
            "accept": {"image/png": [".png"]},
        },
        "tools": [
            {**TOOL, "shortLabel": "Web", "placeholderOverride": "Find", "pinned": True, "persistent": True}
        ],
        "models": [
            {"id": "small", "label": "Fast", "description": "Cheap", "default": True},
            {"id": "large", "label": "Good", "disabled": True},
        ],
        "dictation": {"enabled": False},
    },
    "disclaimer": {"text": "It **may** err.", "highContrast": True},
    "entities": {"showComposerMenu": True},
    "commands": {"enabled": True},
    "widgets": {},
    "thread": {"autoScroll": True},
}

# What the element refuses and TypeScript's compiler too (tests/test_options_types.py asks it).
REFUSED = [
    # The rows measured on the real element.
    (
        {"onReady": 1},
        'onReady: not an option of the element but a DOM event, listen for "chatkit.ready" in the page',
    ),
    (
        {"onThreadLoadEnd": 1},
        "onThreadLoadEnd: not an option of the element but a DOM event, "
        'listen for "chatkit.thread.load.end" in the page',
    ),
    ({"header": {"title": {"content": "Hi"}}}, 'header.title.content: unknown, did you mean "text"?'),
    (
        {"startScreen": {"prompts": [{"name": "Hi", "text": "Hello"}]}},
        'startScreen.prompts[0].name: unknown, did you mean "label"?\n'
        'startScreen.prompts[0].text: unknown, did you mean "prompt"?\n'
        "startScreen.prompts[0].label: missing, it must be text\n"
        "startScreen.prompts[0].prompt: missing, it must be text or a list",
    ),
    (
        {"startScreen": {"prompts": [{"label": "Hi", "prompt": "Hello", "icon": "stars"}]}},
        'startScreen.prompts[0].icon: must be the name of an icon, not "stars", did you mean "star"?',
    ),
    (
        {"composer": {"tools": [TOOL, {"id": "a", "label": "A"}]}},
        "composer.tools[1].icon: missing, it must be the name of an icon",
    ),
    ({"theme": "system"}, 'theme: must be "light", "dark" or "auto", not "system", did you mean "auto"?'),
    ({"theme": "blue"}, 'theme: must be "light", "dark" or "auto", not "blue"'),
    (
        {"theme": {"color": {"accent": {"primary": "#000"}}}},
        "theme.color.accent.level: missing, it must be 0, 1, 2 or 3",
    ),
    ({"history": False}, "history: must be a dict, not False"),
    (
        {"header": {"leftAction": {"icon": "home", "onClick": "go"}}},
        f"header.leftAction.onClick: {IN_THE_PAGE}",
    ),
    (
        {"api": {"uploadStrategy": {"type": "direct"}}},
        "api.uploadStrategy.uploadUrl: missing, it must be text",
    ),
    (
        {"api": {"headers": {"X-Shop": "1"}}},
        "api.headers: not an option of ChatKit.js, and Django's cookies and CSRF token are sent anyway: "
        'for other headers, wrap api.fetch in a listener for the "chatkit:options" event',
    ),
    (
        {"api": {"credentials": "include"}},
        "api.credentials: not an option of ChatKit.js, and Django's cookies and CSRF token are sent anyway: "
        'for other credentials, wrap api.fetch in a listener for the "chatkit:options" event',
    ),
    (
        {"api": {"getClientSecret": "secret"}},
        "api.getClientSecret: is for chats hosted by OpenAI, this one talks to your own Django server",
    ),
    (
        {"api": "/chatkit/"},
        'api: must be a dict (or left out: the template tag fills in url and domainKey), not "/chatkit/"',
    ),
    # Names from elsewhere, and slips.
    ({"newThreadView": {}}, 'newThreadView: unknown, did you mean "startScreen"?'),
    ({"start_screen": {}}, 'start_screen: unknown, did you mean "startScreen"?'),
    ({"greeting": "Hi"}, 'greeting: unknown, did you mean "startScreen.greeting"?'),
    ({"tools": []}, 'tools: unknown, did you mean "composer.tools"?'),
    ({"startScren": {}}, 'startScren: unknown, did you mean "startScreen"?'),
    ({"theme": {"accent": {}}}, 'theme.accent: unknown, did you mean "color.accent"?'),
    ({"history": {"show_delete": True}}, 'history.show_delete: unknown, did you mean "showDelete"?'),
    (
        {"threadItemActions": {"share": True}},
        'threadItemActions.share: unknown, expected "feedback" or "retry"',
    ),
    ({"history": {"a b": 1}}, 'history["a b"]: unknown, expected "enabled", "showDelete" or "showRename"'),
    ({"locale": "en-US"}, 'locale: unknown, did you mean "en"?'),
    ({"locale": "pt-br"}, 'locale: unknown, did you mean "pt-BR"?'),
    ({"locale": "zh_Hant"}, 'locale: unknown, did you mean "zh-Hant"?'),
    ({"locale": "xx"}, "locale: unknown, ChatKit.js would show English"),
    ({"locale": 5}, "locale: must be text, not 5"),
    # Values.
    ({"frameTitle": ["Chat"]}, "frameTitle: must be text, not a list"),
    ({"header": {"enabled": "yes"}}, 'header.enabled: must be True or False, not "yes"'),
    ({"header": {"enabled": 1}}, "header.enabled: must be True or False, not 1"),
    (
        {"header": {"leftAction": {"icon": "hamburgr"}}},
        'header.leftAction.icon: must be the name of an icon, not "hamburgr", did you mean "hamburger"?',
    ),
    (
        {"header": {"leftAction": {"icon": "lucide:star"}}},
        'header.leftAction.icon: must be the name of an icon, not "lucide:star", '
        "Lucide icons do not work here",
    ),
    ({"header": {"rightAction": {}}}, "header.rightAction.icon: missing, it must be the name of an icon"),
    (
        {"theme": {"radius": "rounded"}},
        'theme.radius: must be "pill", "round", "soft" or "sharp", not "rounded", did you mean "round"?',
    ),
    (
        {"theme": {"density": 1}},
        'theme.density: must be "compact", "normal" or "spacious", not 1',
    ),
    (
        {"theme": {"typography": {"baseSize": 20}}},
        "theme.typography.baseSize: must be 14, 15, 16, 17 or 18, not 20",
    ),
    (
        {"theme": {"typography": {"baseSize": "16px"}}},
        'theme.typography.baseSize: must be 14, 15, 16, 17 or 18, not "16px"',
    ),
    (
        {"theme": {"typography": {"fontSources": {"family": "Inter"}}}},
        "theme.typography.fontSources: must be a list, not a dict",
    ),
    (
        {"theme": {"color": {"accent": {"primary": "#000", "level": True}}}},
        "theme.color.accent.level: must be 0, 1, 2 or 3, not True",
    ),
    (
        {"theme": {"color": {"grayscale": {"hue": 1, "tint": 10, "shade": 5}}}},
        "theme.color.grayscale.tint: must be 0, 1, 2, 3, 4, 5, 6, 7, 8 or 9, not 10\n"
        "theme.color.grayscale.shade: must be -4, -3, -2, -1, 0, 1, 2, 3 or 4, not 5",
    ),
    ({"theme": 3}, 'theme: must be "light", "dark" or "auto" or a dict, not 3'),
    ({"startScreen": {"prompts": [None]}}, "startScreen.prompts[0]: must be a dict, not None"),
    (
        {"startScreen": {"prompts": [{"label": "Hi", "prompt": [{"type": "text", "text": "Hi"}]}]}},
        'startScreen.prompts[0].prompt[0].type: must be "input_text" or "input_tag", not "text"',
    ),
    (
        {"startScreen": {"prompts": [{"label": "Hi", "prompt": [{"text": "Hi"}]}]}},
        'startScreen.prompts[0].prompt[0].type: missing, it must be "input_text" or "input_tag"',
    ),
    ({"composer": {"attachments": {}}}, "composer.attachments.enabled: missing, it must be True or False"),
    (
        {"composer": {"attachments": {"enabled": False, "accept": {"image/*": ".png"}}}},
        'composer.attachments.accept["image/*"]: must be a list, not ".png"',
    ),
    ({"disclaimer": "Careful"}, 'disclaimer: must be a dict, not "Careful"'),
    ({"disclaimer": {}}, "disclaimer.text: missing, it must be text"),
    ({"onClientTool": "handler"}, f"onClientTool: {IN_THE_PAGE}"),
    ({"entities": {"onTagSearch": "search"}}, f"entities.onTagSearch: {IN_THE_PAGE}"),
    (
        {"commands": {"onSearch": "a", "onSelect": "b"}},
        f"commands.onSearch: {IN_THE_PAGE}\ncommands.onSelect: {IN_THE_PAGE}\n"
        "commands.enabled: missing, it must be True or False",
    ),
    ({"widgets": {"onAction": "act"}}, f"widgets.onAction: {IN_THE_PAGE}"),
]

# What TypeScript cannot say, or Python alone can get wrong.
STRICTER = [
    (
        {"composer": {"attachments": {"enabled": True}}},
        'composer.attachments: needs api.uploadStrategy, for example {"type": "two_phase"}',
    ),
    (
        {
            "composer": {
                "models": [
                    {"id": "a", "label": "A", "default": True},
                    {"id": "a", "label": "B", "default": True},
                ]
            }
        },
        'composer.models[1].id: "a" is used twice, ids must differ\n'
        "composer.models[1].default: is the second default, only one model can be it",
    ),
    ({"composer": {"tools": [TOOL, TOOL]}}, 'composer.tools[1].id: "web" is used twice, ids must differ'),
    (
        {"composer": {"tools": [{**TOOL, "icon": "lucide:"}]}},
        'composer.tools[0].icon: must be the name of an icon, not "lucide:", name one of lucide.dev, '
        'as in "lucide:star"',
    ),
    (
        {
            "startScreen": {
                "prompts": [{"label": "", "prompt": [{"type": "input_tag", "text": "", "id": ""}]}]
            }
        },
        "startScreen.prompts[0].prompt[0].data: missing, it must be a dict",
    ),
    (
        {"composer": {"attachments": {"enabled": False, "maxSize": {"image/*": math.nan}}}},
        'composer.attachments.maxSize["image/*"]: must be a number, at least 1, not nan',
    ),
    (
        {"composer": {"attachments": {"enabled": False, "maxSize": 10**5000, "maxCount": 0}}},
        "composer.attachments.maxSize: must be a number, at least 1 or a dict, "
        "not a number that is too large\n"
        "composer.attachments.maxCount: must be a number, at least 1, not 0",
    ),
    (
        {"theme": {"color": {"grayscale": {"hue": 361, "tint": 0}}}},
        "theme.color.grayscale.hue: must be a number from 0 to 360, not 361",
    ),
    ({1: {}}, "[1]: has a key that is not text"),
    (
        {"composer": {"attachments": {"enabled": False, "accept": {1: []}}}},
        "composer.attachments.accept[1]: has a key that is not text",
    ),
    ({"startScreen": {"greeting": lambda: "Hi"}}, "startScreen.greeting: must be text, not a function"),
    ({"startScreen": {"prompts": {"a"}}}, "startScreen.prompts: must be a list, not a value of type set"),
    (
        {"theme": lazystr("dark")},
        'theme: must be "light", "dark" or "auto" or a dict, not a lazy translation',
    ),
    ({"frameTitle": b"x"}, "frameTitle: must be text, not a value of type bytes"),
    ([], "must be a dict, not a list"),
    (None, "must be a dict, not None"),
]


def told(given) -> str:
    return "\n".join(map(str, options.validate(given)))


class TestValidate:
    @pytest.mark.parametrize(("given", "message"), [*REFUSED, *STRICTER])
    def test_says_where_and_what(self, given, message):
        assert told(given) == message

    @pytest.mark.parametrize("path", [path for path, _kind in walk(OPTIONS) if not path.endswith("[]")])
    def test_a_slip_in_any_key_is_understood(self, path):
        around, _, key = path.rpartition(".")
        snake = re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", key)
        for slip in {snake, key + "s", key[:1] + key[2:3] + key[1:2] + key[3:]} - {key}:
            given = {slip: "x"}
            for step in reversed(around.split(".") if around else []):
                given = {step.removesuffix("[]"): [given] if step.endswith("[]") else given}
            problems = [str(problem) for problem in options.validate(given, partial=True)]
            where = f"{around}.{slip}".lstrip(".").replace("[]", "[0]")
            assert any(p.startswith(f"{where}: unknown, did you mean") and key in p for p in problems), (
                problems
            )

    def test_every_option_at_once(self):
        assert told(FULL) == ""

    @pytest.mark.parametrize(
        "fine",
        [
            {},
            {"history": None, "initialThread": None, "frameTitle": None},
            {"initialThread": "thr_1"},
            {"theme": "auto"},
            {"theme": {"colorScheme": "auto"}},
            {"theme": {"typography": {"baseSize": 16.0}}},
            {"startScreen": {"prompts": ({"label": _("Hi"), "prompt": _("Hello")},)}},
            {"api": {"domainKey": ""}},
            {"api": {"url": lazystr("/chat/"), "uploadStrategy": {"type": "direct", "uploadUrl": "/up/"}}},
            {"header": {"leftAction": {"icon": "home", "onClick": None}}},
            {"composer": {"attachments": {"enabled": False, "maxSize": 1000}}},
        ],
    )
    def test_fine(self, fine):
        assert told(fine) == ""

    def test_the_names_of_icons_are_listed_where_none_is_close(self):
        message = told({"composer": {"tools": [{**TOOL, "icon": "zzz"}]}})
        assert 'not "zzz": choose "agent", "analytics"' in message
        assert message.endswith('or "write-alt2", or "lucide:" and a name of lucide.dev')

    def test_long_values_are_cut(self):
        assert told({"theme": "x" * 99}).endswith(f'not "{"x" * 50}…"')

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (
                {"a": {"b": [1, None, {"c": math.inf}]}},
                ".a.b[2].c: must be text, a number, True, False, a list or a dict, not inf",
            ),
            ({"a": {1: 2}}, ".a[1]: has a key that is not text"),
            (
                {"a": object()},
                ".a: must be text, a number, True, False, a list or a dict, not a value of type object",
            ),
        ],
    )
    def test_free_data_is_json(self, data, message):
        assert told(with_data(data)) == f"startScreen.prompts[0].prompt[0].data{message}"

    def test_data_without_end(self):
        loop = {}
        loop["again"] = loop
        assert told(with_data(loop)).endswith("again: too deep, 32 levels are allowed")
        json_like = options.resolve(options.merge(with_data(loop)))
        assert set(json_like) == {"startScreen"}

    def test_lazy_texts_are_not_evaluated(self):
        text = lazy(pytest.fail, str)("evaluated")
        assert told({"frameTitle": text, "startScreen": {"greeting": text}}) == ""

    def test_a_partial_layer_may_leave_keys_to_others(self):
        layer = {
            "composer": {"attachments": {"enabled": True}},
            "theme": {"color": {"accent": {"primary": "#000"}}},
        }
        assert len(options.validate(layer)) == 2
        assert options.validate(layer, partial=True) == []

    def test_items_of_lists_are_never_partial(self):
        problems = options.validate({"composer": {"tools": [{"id": "a", "label": "A"}]}}, partial=True)
        assert [problem.path for problem in problems] == ["composer.tools[0].icon"]


def with_data(data):
    tag = {"type": "input_tag", "text": "#1", "id": "1", "data": data}
    return {"startScreen": {"prompts": [{"label": "Hi", "prompt": [tag]}]}}


def test_import_is_light():
    """System checks import it, so it must not load the SDK, nor Django's settings and models."""
    heavy = ["agents", "chatkit", "django.db", "openai", "pydantic"]
    code = f"import sys, django_chatkit.options; print(sorted(set({heavy}) & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
