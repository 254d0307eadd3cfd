"""A page with the stand-in on it, and a backend behind it that plays canned answers."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.standin import script

CHROMIUM = Path("/usr/bin/chromium")
ARGS = (
    "--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
    "--disable-sync --no-first-run --disable-quic"
).split()
FIXTURES = Path(__file__).resolve().parent / "fixtures"

CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:"

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in</title>
<link rel="stylesheet" href="/page.css"><link rel="icon" href="data:,">
<openai-chatkit></openai-chatkit>
<script src="/page.js"></script><script src="/chatkit.js"{attributes}></script>
"""

PAGE_CSS = "html, body { height: 100%; margin: 0 } openai-chatkit { display: block; width: 100%; height: 100% }"

PAGE_JS = """
const el = document.querySelector("openai-chatkit");
window.seen = [];
window.problems = [];
for (const name of ["ready", "error", "effect", "deeplink", "response.start", "response.end", "response.stop",
  "history.open", "history.close", "thread.change", "thread.load.start", "thread.load.end", "tool.change", "log"]) {
  el.addEventListener(`chatkit.${name}`, ({ detail }) => {
    seen.push([name, detail?.error ? { name: detail.error.name, message: detail.error.message } : detail]);
  });
}
window.addEventListener("unhandledrejection", (event) => {
  problems.push(`${event.reason?.name}: ${event.reason?.message}`);
});
// Methods wrapped by no one; functions in options are written as {"fn": "source"}.
window.revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  if ("undefined" in value) return undefined;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, each?.fn ? window.fns[each.fn] : revive(each)]));
};
"""

EVENT_STREAM = "text/event-stream"


@dataclass
class Reply:
    """What the backend says once: a body in one or more pieces, with pauses between them."""

    body: str | bytes | list[str | bytes] = ""
    status: int = 200
    content_type: str = "application/json"
    pause: float = 0.0
    hold: float = 0.0
    cut: bool = False

    @property
    def pieces(self) -> list[bytes]:
        pieces = self.body if isinstance(self.body, list) else [self.body]
        return [piece.encode() if isinstance(piece, str) else piece for piece in pieces]


def stream(*events: Any, **kwargs: Any) -> Reply:
    """Events as chatkit-python frames them; texts go as they are."""
    body = [event if isinstance(event, str) else f"data: {json.dumps(event)}\n\n" for event in events]
    return Reply(body, content_type=EVENT_STREAM, **kwargs)


def fixture(name: str) -> Reply:
    """A recorded answer of chatkit-python."""
    body = (FIXTURES / name).read_text()
    return Reply(body, content_type=EVENT_STREAM if name.endswith(".sse") else "application/json")


def answer(value: Any, status: int = 200) -> Reply:
    return Reply(json.dumps(value), status)


NO_THREADS = {"data": [], "has_more": False}


@dataclass
class Backend:
    """Remembers every request; answers by the type of the request, the last answer for ever."""

    answers: dict[str, list[Reply | Callable[[Any], Reply]]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    csp: str = CSP

    def on(self, kind: str, *replies: Reply | Callable[[Any], Reply]) -> "Backend":
        self.answers[kind] = list(replies)
        return self

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [request for request in self.requests if request["type"] == kind]

    def bodies(self, kind: str) -> list[dict[str, Any]]:
        return [request["body"] for request in self.of(kind)]

    def reply_to(self, kind: str, body: Any) -> Reply:
        replies = self.answers.get(kind)
        if not replies:
            return answer(NO_THREADS) if kind == "threads.list" else answer({"message": f"no {kind}"}, 404)
        reply = replies.pop(0) if len(replies) > 1 else replies[0]
        return reply(body) if callable(reply) else reply


@contextmanager
def serving(backend: Backend) -> Iterator[Backend]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: Any) -> None:
            pass

        def do_GET(self) -> None:
            pages = {
                "/": (PAGE.format(attributes=""), "text/html"),
                "/module": (PAGE.format(attributes=' type="module"'), "text/html"),
                "/page.css": (PAGE_CSS, "text/css"),
                "/page.js": (PAGE_JS, "text/javascript"),
                "/chatkit.js": (script(), "text/javascript"),
            }
            body, kind = pages.get(self.path, ("", "text/plain"))
            self.send(Reply(body, 200 if body else 404, f"{kind}; charset=utf-8"))

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            self.remember(raw)

        do_PUT = do_POST

        def remember(self, raw: bytes) -> None:
            headers = {key.lower(): value for key, value in self.headers.items()}
            if self.path == "/chatkit":
                body = json.loads(raw)
                kind = body["type"]
            else:
                body, kind = raw, f"{self.command} {self.path}"
            backend.requests.append({"type": kind, "body": body, "headers": headers, "method": self.command})
            self.send(backend.reply_to(kind, body))

        def send(self, reply: Reply) -> None:
            self.send_response(reply.status)
            self.send_header("content-type", reply.content_type)
            self.send_header("transfer-encoding", "chunked")
            self.send_header("cache-control", "no-store")
            if reply.content_type.startswith("text/html"):
                self.send_header("content-security-policy", backend.csp)
            self.end_headers()
            try:
                for index, piece in enumerate(piece for piece in reply.pieces if piece):
                    if index and reply.pause:
                        time.sleep(reply.pause)
                    self.chunk(piece)
                time.sleep(reply.hold)
                if reply.cut:
                    self.close_connection = True
                else:
                    self.chunk(b"")
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True

        def chunk(self, piece: bytes) -> None:
            self.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            self.wfile.flush()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    backend.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield backend
    finally:
        server.shutdown()
        server.server_close()
