"""The way of an answer to the browser: the SDK's bytes, piece by piece, under ASGI and under WSGI.

What the SDK yields passes through untouched. Around it: a comment during silences, bounded
memory for slow readers, and an end that is waited for, however the connection ended.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

from asgiref.sync import AsyncToSync, SyncToAsync, ThreadSensitiveContext, sync_to_async
from django.db import connections
from django.http import StreamingHttpResponse
from django.utils import timezone, translation

from .logs import logger

HEARTBEAT = b": still here\n\n"
MAX_WAITING_CHUNKS = 64
READER_SECONDS = 60.0
"""How long a reader may take nothing while pieces wait; then the answer stops where it is."""

HEADERS = {
    "Cache-Control": "no-cache, no-transform",
    # nginx passes each piece on at once.
    "X-Accel-Buffering": "no",
    # GZipMiddleware leaves it alone: Django 5.2's makes a gzip member of every piece, and
    # browsers read only the first; Django 6.0's waits for the end.
    "Content-Encoding": "identity",
    "X-Content-Type-Options": "nosniff",
}

T = TypeVar("T")


async def uninterrupted(work: Coroutine[Any, Any, T]) -> T:
    """Finish ``work`` even if the awaiting task is cancelled, once or repeatedly, meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task})
    return task.result()


def inside_sync_middleware() -> bool:
    """Does a middleware that is not async surround the view, under ASGI?

    The view then borrows that middleware's thread for its database work, and the thread goes away
    as soon as the response is handed over: long before the answer has ended.
    """
    borrowed = getattr(AsyncToSync.executors, "current", None)
    return borrowed is not None and SyncToAsync.thread_sensitive_context.get(None) is not None


def fresh_context() -> contextvars.Context:
    """A context that names no thread of the request's, and keeps its language and time zone."""
    context = contextvars.Context()
    language = translation.get_language()
    context.run(translation.activate, language) if language else context.run(translation.deactivate_all)
    context.run(timezone.activate, timezone.get_current_timezone())
    return context


class EventStream(AsyncIterator[bytes]):
    """An answer on its way to one reader.

    A task of its own pulls from ``source``, so that a heartbeat disturbs nothing and the source
    runs in one context. When the reader leaves, the source is cancelled *where it waits*: only
    there does the SDK save the partial answer. ``aclose()`` returns when that is done.
    """

    def __init__(self, source: AsyncIterator[bytes], heartbeat: float) -> None:
        self.source = source
        self.heartbeat = heartbeat
        self.chunks: list[bytes] = []
        self.ready = asyncio.Event()
        self.room = asyncio.Event()
        self.producer: asyncio.Task[None] | None = None
        self.waiting_since = 0.0
        self.silent = False
        self.pulling = self.stopping = self.ended = False
        self.error: Exception | None = None

    async def start(self) -> None:
        """Begin, and wait for the first piece. Raises what the source raises instead of one."""
        self.loop = asyncio.get_running_loop()
        if inside_sync_middleware():
            self.producer = self.loop.create_task(self.produce_apart(), context=fresh_context())
        else:
            self.producer = self.loop.create_task(self.produce())
        try:
            await self.ready.wait()
        except asyncio.CancelledError:
            await self.aclose()
            raise
        if self.error is not None and not self.chunks:
            raise self.error
        self.watch_silence()
        self.producer.add_done_callback(lambda _: self.timer.cancel())

    async def produce_apart(self) -> None:
        """With a thread of its own for database work, and a connection that ends with it."""
        async with ThreadSensitiveContext():
            try:
                await self.produce()
            finally:
                await uninterrupted(sync_to_async(connections.close_all)())

    async def produce(self) -> None:
        try:
            while (chunk := await self.pull()) is not None:
                await self.hand_over(chunk)
        except asyncio.CancelledError:
            pass
        except Exception as error:
            self.error = error
            if self.chunks:
                logger.error("A stream broke off: %s", type(error).__name__)
        finally:
            self.ended = True
            self.ready.set()

    async def pull(self) -> bytes | None:
        self.pulling = True
        if self.stopping:
            self.cancel_producer()  # strikes at the next place where the source waits
        try:
            return await anext(self.source)
        except StopAsyncIteration:
            return None
        finally:
            self.pulling = False

    async def hand_over(self, chunk: bytes) -> None:
        if self.stopping:
            return
        self.chunks.append(chunk)
        self.ready.set()
        if len(self.chunks) >= MAX_WAITING_CHUNKS:
            self.room.clear()
            try:
                async with asyncio.timeout(READER_SECONDS):
                    await self.room.wait()
            except TimeoutError:
                self.stopping = True

    async def __anext__(self) -> bytes:
        while not self.chunks:
            if self.ended or self.producer is None:
                raise StopAsyncIteration
            self.ready.clear()
            self.waiting_since = self.loop.time()
            await self.ready.wait()
            if self.silent:
                self.silent = False
                return HEARTBEAT
        chunks, self.chunks = self.chunks, []
        self.room.set()
        return b"".join(chunks)

    def watch_silence(self) -> None:
        """Let the reader go with a heartbeat once it has waited long.

        One timer for the whole answer: one for each piece would cost more than the piece.
        """
        now = self.loop.time()
        due = self.waiting_since + self.heartbeat
        if due <= now:
            due = now + self.heartbeat
            if not self.ready.is_set():  # it waits, and has since then
                self.silent = True
                self.ready.set()
        self.timer = self.loop.call_at(due, self.watch_silence)

    async def aclose(self) -> None:
        """Stop the answer where it is, and wait until what was seen of it is saved."""
        if self.producer is not None:
            self.stop()
            await uninterrupted(wait_for(self.producer))

    def stop(self) -> None:
        if self.stopping or self.ended:
            return
        self.stopping = True
        self.room.set()
        if self.pulling:
            self.cancel_producer()

    def cancel_producer(self) -> None:
        if self.producer is not None:
            self.producer.cancel()

    def close(self) -> None:
        """Called by Django when it is done with the response, from a thread: nobody may have read it."""
        if self.producer is not None and not self.ended and not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.stop)


async def wait_for(task: asyncio.Task[None]) -> None:
    await asyncio.wait({task})


_shared: tuple[int, asyncio.AbstractEventLoop] | None = None
_shared_lock = threading.Lock()


def shared_loop() -> asyncio.AbstractEventLoop:
    """The event loop of this process for answers under WSGI, in a thread of its own, for good.

    A loop for each answer would break HTTP clients, which keep a model's connections open for the
    next answer: every second one failed with "Event loop is closed".
    """
    global _shared
    with _shared_lock:
        if _shared is None or _shared[0] != os.getpid():  # a forked process has not the thread
            loop = asyncio.new_event_loop()
            threading.Thread(target=loop.run_forever, name="django_chatkit", daemon=True).start()
            _shared = os.getpid(), loop
        return _shared[1]


class BlockingEventStream(Iterator[bytes]):
    """The same for a WSGI server, which reads with a plain iterator from one thread.

    Its database work has a thread and a connection of its own: both end with the answer.
    """

    def __init__(self, source: AsyncIterator[bytes], heartbeat: float) -> None:
        self.loop = shared_loop()
        self.context = fresh_context()
        self.source = source
        self.heartbeat = heartbeat
        self.closed = False

    def start(self) -> None:
        """Begin, and wait for the first piece. Raises what the source raises instead of one."""
        try:
            self.run(self.open())
        except BaseException:
            self.close()
            raise

    async def open(self) -> None:
        self.threads = ThreadSensitiveContext()
        await self.threads.__aenter__()  # type: ignore[no-untyped-call]
        self.stream = EventStream(self.source, self.heartbeat)
        await self.stream.start()

    def __next__(self) -> bytes:
        if self.closed:
            raise StopIteration
        chunk = self.run(self.next_chunk())
        if chunk is None:
            self.close()
            raise StopIteration
        return chunk

    async def next_chunk(self) -> bytes | None:
        return await anext(self.stream, None)

    def close(self) -> None:
        """The reader left, or the answer ended."""
        if not self.closed:
            self.closed = True
            self.run(self.shut())

    async def shut(self) -> None:
        await self.stream.aclose()
        await sync_to_async(connections.close_all)()
        await self.threads.__aexit__(None, None, None)  # type: ignore[no-untyped-call]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run one step; all steps share one context, which knows the thread for database work."""

        async def step() -> T:
            return await self.loop.create_task(work, context=self.context)

        return asyncio.run_coroutine_threadsafe(step(), self.loop).result()


class EventStreamResponse(StreamingHttpResponse):
    """``text/event-stream`` that no middleware and no proxy holds back."""

    def __init__(self, stream: EventStream | BlockingEventStream) -> None:
        super().__init__(stream, content_type="text/event-stream", headers=HEADERS)
        self.stream = stream

    def __aiter__(self) -> AsyncIterator[bytes]:
        # Django's own wraps the stream in generators whose end nobody waits for.
        if isinstance(self.stream, EventStream) and vars(self)["_iterator"] is self.stream:
            return self.stream
        return super().__aiter__()
