"""The other side: the SDK's server with a store in memory, in Starlette, without users, sessions or CSRF."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from django_chatkit.sdk import types

from .answers import answer

from chatkit.server import ChatKitServer, StreamingResult
from chatkit.store import NotFoundError, Store


class MemoryStore(Store[Any]):
    """Dicts; everything is gone when the process ends."""

    def __init__(self) -> None:
        self.threads: dict[str, types.ThreadMetadata] = {}
        self.items: dict[str, dict[str, types.ThreadItem]] = defaultdict(dict)

    async def load_thread(self, thread_id: str, context: Any) -> types.ThreadMetadata:
        if thread_id not in self.threads:
            raise NotFoundError(thread_id)
        return self.threads[thread_id].model_copy()

    async def save_thread(self, thread: types.ThreadMetadata, context: Any) -> None:
        self.threads[thread.id] = thread.model_copy()

    async def load_threads(self, limit: int, after: str | None, order: str, context: Any) -> Any:
        return page(list(self.threads.values()), limit, after, order)

    async def load_thread_items(
        self, thread_id: str, after: str | None, limit: int, order: str, context: Any
    ) -> Any:
        return page(list(self.items[thread_id].values()), limit, after, order)

    async def add_thread_item(self, thread_id: str, item: types.ThreadItem, context: Any) -> None:
        self.items[thread_id][item.id] = item

    async def save_item(self, thread_id: str, item: types.ThreadItem, context: Any) -> None:
        self.items[thread_id][item.id] = item

    async def load_item(self, thread_id: str, item_id: str, context: Any) -> types.ThreadItem:
        return self.items[thread_id][item_id]

    async def delete_thread(self, thread_id: str, context: Any) -> None:
        self.threads.pop(thread_id, None)

    async def delete_thread_item(self, thread_id: str, item_id: str, context: Any) -> None:
        self.items[thread_id].pop(item_id, None)

    async def save_attachment(self, attachment: types.Attachment, context: Any) -> None:
        raise NotImplementedError

    async def load_attachment(self, attachment_id: str, context: Any) -> types.Attachment:
        raise NotImplementedError

    async def delete_attachment(self, attachment_id: str, context: Any) -> None:
        raise NotImplementedError


def page(rows: list[Any], limit: int, after: str | None, order: str) -> types.Page[Any]:
    if order == "desc":
        rows.reverse()
    start = next((place + 1 for place, row in enumerate(rows) if row.id == after), 0)
    data = rows[start : start + limit]
    more = len(rows) > start + limit
    return types.Page(data=data, has_more=more, after=data[-1].id if more else None)


class PlainServer(ChatKitServer[Any]):
    async def respond(self, thread: Any, input_user_message: Any, context: Any) -> Any:
        item_id = self.store.generate_item_id("message", thread, context)
        async for event in answer(thread, item_id, input_user_message):
            yield event


server = PlainServer(MemoryStore())


async def endpoint(request: Request) -> Response:
    result = await server.process(await request.body(), {})
    if isinstance(result, StreamingResult):
        return StreamingResponse(result, media_type="text/event-stream")
    return Response(result.json, media_type="application/json")


application = Starlette(routes=[Route("/chatkit/", endpoint, methods=["POST"])])
