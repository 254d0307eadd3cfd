"""The chat of one page for one person: its options, addresses, texts and HTML."""

from .addresses import get_url
from .arguments import SHORTCUTS, InvalidArgument
from .messages import get_hints, get_messages
from .options import get_options
from .render import render_widget

__all__ = [
    "SHORTCUTS",
    "InvalidArgument",
    "get_hints",
    "get_messages",
    "get_options",
    "get_url",
    "render_widget",
]
