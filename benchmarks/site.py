"""Our side: this project with users, sessions, CSRF and a database."""

from __future__ import annotations

import itertools
from typing import Any

from django.db.backends.signals import connection_created

from django_chatkit.server import DjangoChatKitServer

from .answers import answer


class BenchmarkServer(DjangoChatKitServer):
    async def respond(self, thread: Any, input_user_message: Any, context: Any) -> Any:
        item_id = self.store.generate_item_id("message", thread, context)
        async for event in answer(thread, item_id, input_user_message):
            yield event


class Counter:
    """Queries and connections of this process."""

    def __init__(self) -> None:
        self.queries = itertools.count()
        self.connections = itertools.count()

    def watch(self, connection: Any, **kwargs: Any) -> None:
        next(self.connections)
        if self.count not in connection.execute_wrappers:  # an object that was closed opens again
            connection.execute_wrappers.append(self.count)

    def count(self, execute: Any, *args: Any) -> Any:
        next(self.queries)
        return execute(*args)

    def read(self) -> dict[str, int]:
        """How many so far. (A look at a counter's next number does not advance it.)"""
        return {"queries": peek(self.queries), "connections": peek(self.connections)}


def peek(counter: itertools.count[int]) -> int:
    return int(repr(counter).partition("(")[2].rstrip(")"))


counter = Counter()
connection_created.connect(counter.watch)
