"""Markdown of models and people as HTML that is safe on a page of staff."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext
from markdown_it import MarkdownIt
from markdown_it.token import Token

from .text import clip

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it.rules_core import StateCore

    JSON = dict[str, Any]
    Reader = Callable[[JSON], JSON]
HEADING_OFFSET = 3


def is_web_link(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


class SafeMarkdown(MarkdownIt):
    """CommonMark with tables, without raw HTML, and with links to the web and to mail addresses only."""

    def __init__(self) -> None:
        super().__init__("commonmark", {"html": False})
        self.enable(["table", "strikethrough"])
        self.core.ruler.push("tame", tame)

    def validateLink(self, url: str) -> bool:
        return is_web_link(url) or url.lower().startswith("mailto:")


def tame(state: StateCore) -> None:
    """Fit the tokens into a page: headings below ours, no style attributes (CSP), no loaded images."""
    for token in state.tokens:
        if token.tag in ("h1", "h2", "h3", "h4", "h5", "h6"):
            token.tag = f"h{min(6, int(token.tag[1]) + HEADING_OFFSET)}"
        if style := token.attrs.pop("style", ""):
            token.attrs["class"] = "chatkit-" + str(style).replace("text-align:", "align-")
        if token.children:
            token.children = list(tame_inline(token.children))


def tame_inline(tokens: list[Token]) -> Iterator[Token]:
    """The tokens with every image replaced by a link to it, or by its text within another link."""
    inside_link = False
    for token in tokens:
        if token.type == "image":
            yield from image_as_link(token, inside_link)
            continue
        if token.type in ("link_open", "link_close"):
            inside_link = token.type == "link_open"
            if inside_link:
                token.attrs["rel"] = LINK_REL
        yield token


def image_as_link(image: Token, inside_link: bool) -> Iterator[Token]:
    alt = "".join(child.content for child in image.children or ())
    text = Token("text", "", 0, content=gettext("Image: %s") % (alt or image.attrs["src"]))
    if inside_link:
        yield text
        return
    yield Token("link_open", "a", 1, attrs={"href": image.attrs["src"], "rel": LINK_REL})
    yield text
    yield Token("link_close", "a", -1)


LINK_REL = "noopener noreferrer nofollow"


@cache
def get_markdown() -> SafeMarkdown:
    return SafeMarkdown()


def render_markdown(text: str | None) -> SafeString:
    # Safe by construction: the parser escapes HTML, and `tame` and `validateLink` see to the rest.
    html: str = get_markdown().render(clip(text))
    return mark_safe(html)  # noqa: S308
