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

feedback_explained = Signal()
"""A person said why they rated an answer as they did: see ``feedback_question``.

Sent by ``Feedback`` with ``thread_id``, ``item_ids``, ``reason`` and ``context``.
"""

tool_called = Signal()
"""A tool of ``django_chatkit.agents.tool`` was called, whatever came of it.

Sent by ``DjangoAgentContext`` with ``name``, ``outcome``, ``duration`` (ms), ``arguments`` (as the model
wrote them), ``thread_id`` and ``context``. A receiver that raises is logged; the tool has run.
"""
