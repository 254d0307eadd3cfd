"""What other apps can listen to. Every signal is sent after the fact, from sync code."""

from django.dispatch import Signal

thread_changed = Signal()
"""A thread or one of its items was stored or deleted.

Sent by ``Thread`` with ``thread_id`` and ``context``.
"""

feedback_given = Signal()
"""A person rated items of an answer.

Sent by ``Feedback`` with ``thread_id``, ``item_ids``, ``kind`` and ``context``.
"""
