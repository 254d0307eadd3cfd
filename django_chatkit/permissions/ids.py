"""Ids that the browser sends, fit for a query."""

from __future__ import annotations


def clean_id(wire_id: str) -> str:
    """An id that no row can have where PostgreSQL would refuse the text itself."""
    return "" if "\0" in wire_id or len(wire_id) > 255 else wire_id
