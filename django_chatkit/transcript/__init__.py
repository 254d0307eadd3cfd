"""What a person reads of a thread: its stored items as entries of a transcript, safe to show.

This works on the stored JSON and not on the SDK's types: importing the admin stays light, and an item
that today's SDK refuses can still be read. A reader takes an item's JSON and raises whatever it likes
where that is not what the SDK writes; the item is then shown as it lies in the database.
"""

from .entry import Entry, read_item
from .markdown import render_markdown
from .readers import READERS
from .text import MAX_TEXT, pretty

__all__ = ["MAX_TEXT", "READERS", "Entry", "pretty", "read_item", "render_markdown"]
