"""Options are judged as the real element judged them: wrong ones leave a blank element and no request."""

import pytest

from tests.standin.harness import OPTIONS, answer, assistant, done, first_turn, fn

pytestmark = pytest.mark.browser

API = OPTIONS["api"]
NO_STRATEGY = "✖ When attachments are enabled, uploadStrategy must be provided in options.api."


def invalid(path, reason="Invalid input"):
    return f"✖ {reason}\n  → at {path}"


REFUSED = {
    "no domainKey": ({"api": {"url": "/chatkit"}}, invalid("api")),
    "domainKey null": ({"api": {"url": "/chatkit", "domainKey": None}}, invalid("api")),
    "no url": ({"api": {"domainKey": "x"}}, invalid("api")),
    "no api": ({"api": {"undefined": 1}}, invalid("api")),
    "both kinds of api": ({"api": {**API, "getClientSecret": fn("f")}}, invalid("api")),
    "api.headers": ({"api": {**API, "headers": {}}}, invalid("api")),
    "api.credentials": ({"api": {**API, "credentials": "include"}}, invalid("api")),
    "direct without url": ({"api": {**API, "uploadStrategy": {"type": "direct"}}}, invalid("api")),
    "unknown keys": ({"onReady": fn("f"), "foo": 1}, '✖ Unrecognized keys: "onReady", "foo"'),
    "title.content": (
        {"header": {"title": {"content": "x"}}},
        invalid("header.title", 'Unrecognized key: "content"'),
    ),
    "prompt icon": (
        {"startScreen": {"prompts": [{"label": "a", "prompt": "b", "icon": "nope"}]}},
        invalid("startScreen.prompts[0].icon"),
    ),
    "tool without icon": (
        {"composer": {"tools": [{"id": "a", "label": "A"}]}},
        invalid("composer.tools[0].icon"),
    ),
    "theme auto": ({"theme": "auto"}, invalid("theme")),
    "theme system": ({"theme": "system"}, invalid("theme")),
    "colorScheme auto": ({"theme": {"colorScheme": "auto"}}, invalid("theme")),
    "accent without level": ({"theme": {"color": {"accent": {"primary": "#123"}}}}, invalid("theme")),
    "history null": ({"history": None}, invalid("history", "Invalid input: expected object, received null")),
    "name of a function": (
        {"header": {"leftAction": {"icon": "menu", "onClick": "fnName"}}},
        invalid("header.leftAction.onClick", "Expected function, received fnName"),
    ),
    "attachments without strategy": ({"composer": {"attachments": {"enabled": True}}}, NO_STRATEGY),
}


@pytest.mark.parametrize(("options", "complaint"), REFUSED.values(), ids=REFUSED)
def test_refused_at_first(chat, backend, options, complaint):
    chat.open("{ f() {} }", **options)
    assert chat.errors == [("FatalAppError", f"ChatKit.create():\n{complaint}")]
    assert chat.is_blank
    assert backend.requests == []
    assert chat.events("ready") == [None]


def test_several_mistakes_at_once(chat):
    chat.open(startScreen={"prompts": [{"name": "a", "text": "b"}]})
    ((_, message),) = chat.errors
    where = "\n  → at startScreen.prompts[0]"
    assert f'✖ Unrecognized keys: "name", "text"{where}' in message
    assert f"✖ Invalid input: expected string, received undefined{where}.label" in message
    assert f"✖ Invalid input{where}.prompt" in message


def test_no_options_at_all(chat, backend):
    chat.visit()
    chat.page.evaluate("el.setOptions({})")
    chat.settle()
    assert chat.errors == [("FatalAppError", "ChatKit.create():\n✖ Invalid input\n  → at api")]


ACCEPTED = {
    "undefined": {"history": {"enabled": {"undefined": 1}}, "theme": {"undefined": 1}},
    "initialThread null": {"initialThread": None},
    "empty domainKey": {"api": {**API, "domainKey": ""}},
    "odd locales": {"locale": "zh_Hant"},
    "share": {"threadItemActions": {"share": True, "feedback": True}},
    "commands": {"commands": {"enabled": True}},
    "everything": {
        "api": {**API, "fetch": {"undefined": 1}, "uploadStrategy": {"type": "two_phase"}},
        "theme": {
            "colorScheme": "dark",
            "radius": "soft",
            "density": "compact",
            "typography": {
                "baseSize": 15,
                "fontFamily": "serif",
                "fontSources": [{"family": "A", "src": "/a.woff2", "weight": 400}],
            },
            "color": {
                "grayscale": {"hue": 200, "tint": 4, "shade": -1},
                "accent": {"primary": "#123456", "level": 2},
                "surface": {"background": "#fff", "foreground": "#000"},
            },
        },
        "frameTitle": "Support",
        "onClientTool": fn("f"),
        "header": {
            "title": {"enabled": True, "text": "Shop"},
            "rightAction": {"icon": "close", "onClick": fn("f")},
        },
        "startScreen": {
            "greeting": "Hi",
            "prompts": [
                {"label": "A", "prompt": "a", "icon": "lucide:rocket"},
                {"label": "B", "prompt": [{"type": "input_tag", "id": "1", "text": "T", "data": {"a": 1}}]},
            ],
        },
        "composer": {
            "attachments": {
                "enabled": True,
                "maxSize": {"image/*": 10, "*": 5},
                "accept": {"image/png": [".png"]},
            },
            "tools": [{"id": "t", "label": "T", "icon": "search", "pinned": True}],
            "models": [{"id": "m", "label": "M", "default": True}],
            "dictation": {"enabled": True},
        },
        "disclaimer": {"text": "Careful", "highContrast": True},
        "entities": {"onTagSearch": fn("f"), "showComposerMenu": True},
        "thread": {"autoScroll": True},
        "widgets": {"onAction": fn("f")},
    },
}


@pytest.mark.parametrize("options", ACCEPTED.values(), ids=ACCEPTED)
def test_accepted(chat, backend, options):
    chat.open("{ f: () => [] }", **options)
    assert chat.errors == []
    assert chat.is_start_screen
    assert [request["type"] for request in backend.requests] == ["threads.list"]
    assert chat.seen[:2] == [["ready", None], ["log", {"name": "composer.ready"}]]


def test_later_mistakes_leave_everything_as_it_is(chat):
    chat.open(startScreen={"greeting": "Welcome"}).set(theme="auto")
    assert "Welcome" in chat.text
    assert chat.errors == []
    assert chat.page.evaluate("problems") == [
        "IntegrationError: chatKit.setOptions():\n✖ Invalid input\n  → at theme"
    ]


def test_options_are_replaced_and_not_merged(chat):
    chat.open(startScreen={"greeting": "Welcome"}).set()
    assert "What can I help with today?" in chat.text


def test_methods_wait_for_options(chat):
    chat.visit()
    assert chat.call("focusComposer") == "pending"
    assert chat.set().call("focusComposer") == ""


def test_a_module_is_refused(chat):
    wrongs = []
    chat.page.on("pageerror", lambda error: wrongs.append(str(error)))
    chat.visit("module")
    assert "Unable to determine the ChatKit frame URL" in wrongs[0]
    assert chat.page.evaluate("customElements.get('openai-chatkit') === undefined")


def test_feedback_is_there_unless_it_is_switched_off_and_retry_only_if_it_is_on(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    chat.open().send()
    assert chat.button("Thumbs up").is_visible()
    assert not chat.button("Regenerate message").is_visible()
    chat.set(threadItemActions={"feedback": False, "retry": True})
    assert not chat.button("Thumbs up").is_visible()
    assert chat.button("Regenerate message").is_visible()


def test_no_history(chat, backend):
    chat.open(history={"enabled": False})
    assert backend.requests == []
    assert not chat.button("Conversation history").is_visible()


@pytest.mark.parametrize(
    ("locale", "sent"),
    [
        ("en", "en"),
        ("en-us", "en"),
        ("pt-br", "pt-BR"),
        ("zh-CN", "zh-CN"),
        ("de-AT", "de-DE"),
        ("zh-Hans", "zh-CN"),
        ("xx", "en"),
        ("zh_Hant", "en"),
        ("es", "es-ES"),
    ],
)
def test_language_of_the_requests(chat, backend, locale, sent):
    backend.on("threads.list", answer({"data": [], "has_more": False}))
    chat.open(locale=locale)
    assert backend.requests[0]["headers"]["accept-language"] == sent


def test_looks_without_a_style_of_its_own(chat):
    """The policy of the page drops the element's <style>; what is inside the frame keeps its looks."""
    chat.open()
    assert chat.page.evaluate("getComputedStyle(el.ui.querySelector('.ui')).display") == "flex"
    assert chat.page.evaluate("el.frame.getBoundingClientRect().height") == 720
    chat.page.evaluate("el.shadowRoot.adoptedStyleSheets = []")
    assert chat.page.evaluate("[el.frame.clientWidth, el.frame.clientHeight]") == [300, 150]
