"""A load generator: plain sockets, so that it costs less than what it measures."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Answer:
    """One streamed answer: how long until its first event, and how many pieces came."""

    first: float
    pieces: int
    failed: bool


@dataclass
class Target:
    """A side under load: its port, and the headers of a person who is signed in."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, path: str, body: Any) -> bytes:
        data = json.dumps(body).encode()
        headers = {"Host": "127.0.0.1", "Content-Type": "application/json", **self.headers}
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, f"Content-Length: {len(data)}", "", ""]).encode() + data

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, limit=2**20)

    async def stream(self, text: str) -> Answer:
        """Send a message to a new thread, and read the answer to its end."""
        reader, writer = await self.connect()
        begun, first, body = time.perf_counter(), 0.0, bytearray()
        writer.write(self.request("/chatkit/", message(text)))
        while not body.endswith(b"0\r\n\r\n") and (part := await reader.read(2**16)):
            body += part
            if not first and b"data: " in body:
                first = time.perf_counter() - begun
        writer.close()
        return Answer(first, body.count(b"text_delta"), b'"type":"error"' in body or not first)

    async def ask(self, body: Any, times: int) -> int:
        """Make a request again and again on one connection. Returns how many were refused."""
        reader, writer = await self.connect()
        refused = 0
        for _ in range(times):
            writer.write(self.request("/chatkit/", body))
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            await reader.readexactly(length)
            refused += b" 200 " not in head.split(b"\r\n")[0]
        writer.close()
        return refused


def message(text: str) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    sent = {"content": content, "quoted_text": "", "attachments": [], "inference_options": {}}
    return {"type": "threads.create", "params": {"input": sent}}
