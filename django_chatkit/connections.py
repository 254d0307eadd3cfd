"""Database work from async code: one hop to the request's thread, and the connection given back."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from asgiref.sync import sync_to_async
from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from .store import DjangoStore

P = ParamSpec("P")
R = TypeVar("R")


def in_one_hop(
    work: Callable[Concatenate[DjangoStore, P], R],
) -> Callable[Concatenate[DjangoStore, P], Coroutine[Any, Any, R]]:
    """Make the SDK's async method out of a sync one whose last argument is the context."""

    def run(self: DjangoStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        context = kwargs.get("context") or args[-1]
        try:
            return work(self, *args, **kwargs)
        finally:
            if getattr(context, "streaming", False):
                release_connections()

    @wraps(work)
    async def method(self: DjangoStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return await sync_to_async(run)(self, *args, **kwargs)

    return cast("Callable[Concatenate[DjangoStore, P], Coroutine[Any, Any, R]]", method)


def release_connections() -> None:
    """Give this thread's connections back, so that an open stream holds none while it waits.

    Not inside a transaction (tests run in one), and not SQLite's, which costs nothing to keep.
    """
    for connection in connections.all(initialized_only=True):
        if connection.vendor != "sqlite" and not connection.in_atomic_block:
            connection.close()
