"""The options of ChatKit.js, as declared by the types of @openai/chatkit 1.9.0."""

from __future__ import annotations

from collections.abc import Iterator

from .icons import HEADER_ICONS, ICONS
from .shapes import (
    Choice,
    Flag,
    Function,
    Icon,
    Json,
    Kind,
    ListOf,
    MapOf,
    Number,
    OneOf,
    Shape,
    Tagged,
    Text,
)

EVENTS = (
    "chatkit.ready",
    "chatkit.error",
    "chatkit.effect",
    "chatkit.deeplink",
    "chatkit.response.start",
    "chatkit.response.end",
    "chatkit.history.open",
    "chatkit.history.close",
    "chatkit.thread.change",
    "chatkit.thread.load.start",
    "chatkit.thread.load.end",
    "chatkit.tool.change",
    "chatkit.log",
)
"""What the element tells the page. The React package calls them ``onReady``, ``onError``…"""

TEXT, FLAG, FUNCTION = Text(), Flag(), Function()
ICON = Icon(ICONS, lucide=True)

UPLOAD_STRATEGY = Tagged(
    {
        "two_phase": Shape({"type": Choice(("two_phase",))}),
        "direct": Shape({"type": Choice(("direct",)), "uploadUrl": TEXT}, required=("uploadUrl",)),
    }
)

# url and domainKey are required in ChatKit.js; the template tag fills in what is not given here.
API = Shape(
    {
        "url": TEXT,
        "domainKey": TEXT,
        "uploadStrategy": UPLOAD_STRATEGY,
        "fetch": FUNCTION,
        "getClientSecret": Function(
            "is for chats hosted by OpenAI, this one talks to your own Django server"
        ),
    },
    explained={
        name: "not an option of ChatKit.js, and Django's cookies and CSRF token are sent anyway: "
        f'for other {name}, wrap api.fetch in a listener for the "chatkit:options" event'
        for name in ("headers", "credentials")
    },
    noun="a dict (or left out: the template tag fills in url and domainKey)",
)

# "auto" is ours: the page resolves it to the light or dark scheme of the visitor's system.
COLOR_SCHEME = Choice(("light", "dark", "auto"), renamed={"system": "auto", "default": "auto"})

FONT = Shape(
    {
        "family": TEXT,
        "src": TEXT,
        "weight": OneOf((TEXT, Number())),
        "style": Choice(("normal", "italic", "oblique")),
        "display": Choice(("auto", "block", "swap", "fallback", "optional")),
        "unicodeRange": TEXT,
    },
    required=("family", "src"),
)

TYPOGRAPHY = Shape(
    {
        "baseSize": Choice((14, 15, 16, 17, 18)),
        "fontSources": ListOf(FONT),
        "fontFamily": TEXT,
        "fontFamilyMono": TEXT,
    }
)

COLOR = Shape(
    {
        "grayscale": Shape(
            {
                "hue": Number(0, 360),
                "tint": Choice((0, 1, 2, 3, 4, 5, 6, 7, 8, 9)),
                "shade": Choice((-4, -3, -2, -1, 0, 1, 2, 3, 4)),
            },
            required=("hue", "tint"),
        ),
        "accent": Shape({"primary": TEXT, "level": Choice((0, 1, 2, 3))}, required=("primary", "level")),
        "surface": Shape({"background": TEXT, "foreground": TEXT}, required=("background", "foreground")),
    }
)

THEME = Shape(
    {
        "colorScheme": COLOR_SCHEME,
        "typography": TYPOGRAPHY,
        "radius": Choice(("pill", "round", "soft", "sharp")),
        "density": Choice(("compact", "normal", "spacious")),
        "color": COLOR,
    },
    renamed={"accent": "color.accent", "grayscale": "color.grayscale", "surface": "color.surface"},
)

# onClick is required in ChatKit.js, and only the page can add it.
HEADER_ACTION = Shape({"icon": Icon(HEADER_ICONS), "onClick": FUNCTION}, required=("icon",))

HEADER = Shape(
    {
        "enabled": FLAG,
        "title": Shape({"enabled": FLAG, "text": TEXT}, renamed={"content": "text", "title": "text"}),
        "leftAction": HEADER_ACTION,
        "rightAction": HEADER_ACTION,
    }
)

MESSAGE_CONTENT = Tagged(
    {
        "input_text": Shape({"type": Choice(("input_text",)), "text": TEXT}, required=("text",)),
        "input_tag": Shape(
            {
                "type": Choice(("input_tag",)),
                "text": TEXT,
                "id": TEXT,
                "group": TEXT,
                "data": MapOf(Json()),
                "interactive": FLAG,
            },
            # The browser would do without data, but the Python SDK refuses the message.
            required=("text", "id", "data"),
        ),
    }
)

START_SCREEN = Shape(
    {
        "greeting": TEXT,
        "prompts": ListOf(
            Shape(
                {"label": TEXT, "prompt": OneOf((TEXT, ListOf(MESSAGE_CONTENT))), "icon": ICON},
                required=("label", "prompt"),
                renamed={"name": "label", "title": "label", "text": "prompt", "message": "prompt"},
            )
        ),
    },
    renamed={"starterPrompts": "prompts", "title": "greeting"},
)

TOOL = Shape(
    {
        "id": TEXT,
        "label": TEXT,
        "icon": ICON,
        "shortLabel": TEXT,
        "placeholderOverride": TEXT,
        "pinned": FLAG,
        "persistent": FLAG,
    },
    required=("id", "label", "icon"),
    renamed={"name": "label", "title": "label", "placeholder": "placeholderOverride"},
)

MODEL = Shape(
    {"id": TEXT, "label": TEXT, "description": TEXT, "disabled": FLAG, "default": FLAG},
    required=("id", "label"),
    renamed={"name": "label", "title": "label"},
)

ATTACHMENTS = Shape(
    {
        "enabled": FLAG,
        "maxSize": OneOf((Number(minimum=1), MapOf(Number(minimum=1)))),
        "maxCount": Number(minimum=1),
        "accept": MapOf(ListOf(TEXT)),
    },
    required=("enabled",),
)

COMPOSER = Shape(
    {
        "placeholder": TEXT,
        "attachments": ATTACHMENTS,
        "tools": ListOf(TOOL),
        "models": ListOf(MODEL),
        "dictation": Shape({"enabled": FLAG}, required=("enabled",)),
    }
)

GROUPS: dict[str, Kind] = {
    "api": API,
    "locale": TEXT,
    "theme": OneOf((COLOR_SCHEME, THEME)),
    "frameTitle": TEXT,
    "initialThread": TEXT,
    "onClientTool": FUNCTION,
    "header": HEADER,
    "history": Shape({"enabled": FLAG, "showDelete": FLAG, "showRename": FLAG}),
    "startScreen": START_SCREEN,
    "threadItemActions": Shape({"feedback": FLAG, "retry": FLAG}),
    "composer": COMPOSER,
    "disclaimer": Shape({"text": TEXT, "highContrast": FLAG}, required=("text",)),
    "entities": Shape(
        {"onTagSearch": FUNCTION, "showComposerMenu": FLAG, "onClick": FUNCTION, "onRequestPreview": FUNCTION}
    ),
    "commands": Shape({"enabled": FLAG, "onSearch": FUNCTION, "onSelect": FUNCTION}, required=("enabled",)),
    "widgets": Shape({"onAction": FUNCTION}),
    "thread": Shape({"autoScroll": FLAG}),
}


def children(kind: Kind) -> Iterator[tuple[str, Kind]]:
    """The kinds inside of a kind, with the step of the path that leads there."""
    match kind:
        case Shape():
            yield from ((f".{key}", child) for key, child in kind.keys.items())
        case ListOf():
            yield "[]", kind.item
        case OneOf():
            yield from (("", child) for child in kind.kinds)


def walk(kind: Kind, path: str = "") -> Iterator[tuple[str, Kind]]:
    """Every kind below this one with its path, such as ``composer.tools[].icon``."""
    for step, child in children(kind):
        here = (path + step).removeprefix(".")
        yield here, child
        yield from walk(child, here)


def group_names() -> dict[str, str]:
    """``greeting`` belongs into ``startScreen``; ``enabled``, which is in many groups, says nothing."""
    paths = [path for path, _ in walk(Shape(GROUPS)) if path.count(".") == 1 and "[" not in path]
    keys = [path.partition(".")[2] for path in paths]
    return {key: path for key, path in zip(keys, paths, strict=True) if keys.count(key) == 1}


def event_names() -> dict[str, str]:
    """``onThreadChange`` of the React package, for ``chatkit.thread.change``."""
    return {"on" + "".join(word.title() for word in event.split(".")[1:]): event for event in EVENTS}


OPTIONS = Shape(
    GROUPS,
    renamed=group_names()
    | {"newThreadView": "startScreen", "starterPrompts": "startScreen.prompts", "language": "locale"},
    explained={
        name: f'not an option of the element but a DOM event, listen for "{event}" in the page'
        for name, event in event_names().items()
    },
)

FUNCTION_PATHS = tuple(path for path, kind in walk(OPTIONS) if isinstance(kind, Function))
"""Options that are functions in ChatKit.js: the page adds them."""
