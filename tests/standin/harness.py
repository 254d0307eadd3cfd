"""A page with the stand-in on it, and a backend behind it that plays canned answers."""

import json
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page

from tests.standin import script

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]
FIXTURES = Path(__file__).resolve().parent / "fixtures"

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data: blob:"
)

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Stand-in</title>
<link rel="stylesheet" href="/page.css"><link rel="icon" href="data:,">
<openai-chatkit></openai-chatkit>
<script src="/page.js"></script><script src="/chatkit.js"{attributes}></script>
"""

PAGE_CSS = (
    "html, body { height: 100%; margin: 0 } openai-chatkit { display: block; width: 100%; height: 100% }"
)

PAGE_JS = """
const el = document.querySelector("openai-chatkit");
window.seen = [];
window.problems = [];
for (const name of ["ready", "error", "effect", "deeplink", "response.start", "response.end", "response.stop",
  "history.open", "history.close", "thread.change", "thread.load.start", "thread.load.end", "tool.change",
  "log"]) {
  el.addEventListener(`chatkit.${name}`, ({ detail }) => {
    seen.push([name, detail?.error ? { name: detail.error.name, message: detail.error.message } : detail]);
  });
}
window.addEventListener("unhandledrejection", (event) => {
  problems.push(`${event.reason?.name}: ${event.reason?.message}`);
});
// What a careful host page does under a CSP that drops the element's own <style>.
customElements.whenDefined("openai-chatkit").then(() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(".ck-wrapper, .ck-iframe { width: 100%; height: 100% }");
  el.shadowRoot.adoptedStyleSheets = [sheet];
});
// Functions in options are written as {"fn": "source"}.
window.revive = (value) => {
  if (Array.isArray(value)) return value.map(revive);
  if (value === null || typeof value !== "object") return value;
  if ("undefined" in value) return undefined;
  const revived = (each) => (each?.fn ? window.fns[each.fn] : revive(each));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, revived(each)]));
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


def item(kind: str, id: str, thread: str = "thr_1", **more: Any) -> dict[str, Any]:
    return {"id": id, "thread_id": thread, "created_at": "2026-11-21T06:39:24", "type": kind, **more}


def user(text: str, id: str = "msg_u", **more: Any) -> dict[str, Any]:
    content = [{"type": "input_text", "text": text}]
    return item(
        "user_message",
        id,
        **{"content": content, "attachments": [], "quoted_text": "", "inference_options": {}, **more},
    )


def part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "text": text, "annotations": []}


def assistant(text: str, id: str = "msg_a", **more: Any) -> dict[str, Any]:
    return item("assistant_message", id, **{"content": [part(text)], **more})


def thread(*items: Any, id: str = "thr_1", **more: Any) -> dict[str, Any]:
    page = {"data": list(items), "has_more": False}
    return {
        "id": id,
        "created_at": "2026-11-21T06:39:24",
        "status": {"type": "active"},
        "metadata": {},
        "items": page,
        **more,
    }


CREATED = {"type": "thread.created", "thread": thread()}
CANCELLABLE = {"type": "stream_options", "stream_options": {"allow_cancel": True}}


def added(item: Any) -> dict[str, Any]:
    return {"type": "thread.item.added", "item": item}


def done(item: Any) -> dict[str, Any]:
    return {"type": "thread.item.done", "item": item}


def update(id: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"type": "thread.item.updated", "item_id": id, "update": {"type": kind, **more}}


def delta(id: str, text: str, index: int = 0) -> dict[str, Any]:
    return update(id, "assistant_message.content_part.text_delta", content_index=index, delta=text)


def streamed(text: str, id: str = "msg_a") -> list[dict[str, Any]]:
    """An answer as stream_agent_response sends it."""
    empty = item("assistant_message", id, content=[])
    return [
        added(empty),
        update(id, "assistant_message.content_part.added", content_index=0, content=part("")),
        *[delta(id, word) for word in re.findall(r"\S*\s*", text) if word],
        update(id, "assistant_message.content_part.done", content_index=0, content=part(text)),
        done(assistant(text, id)),
    ]


def first_turn(*events: Any, text: str = "hi", **kwargs: Any) -> Reply:
    """The answer to the first message of a new thread."""
    return stream(CREATED, done(user(text)), CANCELLABLE, *events, **kwargs)


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
    threading.Thread(target=server.serve_forever, args=[0.02], daemon=True).start()
    backend.url = f"http://127.0.0.1:{server.server_port}/"
    try:
        yield backend
    finally:
        server.shutdown()
        server.server_close()


OPTIONS: dict[str, Any] = {"api": {"url": "/chatkit", "domainKey": "local-dev"}}


def fn(name: str) -> dict[str, str]:
    """Stands in options for the function ``window.fns[name]``."""
    return {"fn": name}


class Chat:
    """What a test does with the element, and what it sees of it."""

    def __init__(self, page: Page, backend: Backend) -> None:
        self.page = page
        self.backend = backend

    def visit(self, path: str = "") -> "Chat":
        self.page.goto(self.backend.url + path)
        return self

    def open(self, functions: str = "{}", **options: Any) -> "Chat":
        self.visit()
        self.page.evaluate(f"window.fns = {functions}")
        return self.set(**options)

    def set(self, **options: Any) -> "Chat":
        self.page.evaluate("options => el.setOptions(revive(options))", {**OPTIONS, **options})
        self.until("seen.some(([name]) => name === 'ready')")
        self.settle()
        return self

    def reload(self, **options: Any) -> "Chat":
        return self.open(**options)

    def call(self, method: str, *arguments: Any) -> str:
        """Calls a method; what it rejects with, or ""."""
        script = """([method, args]) => Promise.race([
            el[method](...args).then(() => "", (error) => error.message),
            new Promise((resolve) => setTimeout(resolve, 1500, "pending")),
        ])"""
        result = self.page.evaluate(script, [method, list(arguments)])
        self.settle()
        return result

    def until(self, script: str) -> None:
        """Playwright's own wait_for_function needs a policy that allows eval."""
        deadline = time.monotonic() + 5
        while not self.page.evaluate(script):
            assert time.monotonic() < deadline, f"waited in vain for {script}"
            time.sleep(0.02)

    def settle(self) -> None:
        """Until no request is on its way and nothing has changed for a moment."""
        script = """() => [el.requests.every(({ status }) => status), el.requests.length, seen.length,
            el.ui.textContent]"""
        quiet, last = 0, None
        while quiet < 3:
            now = self.page.evaluate(script)
            quiet = quiet + 1 if now[0] and now == last else 0
            last = now
            time.sleep(0.02)

    def write(self, text: str) -> None:
        self.page.get_by_role("textbox").fill(text)

    def send(self, text: str = "hi") -> "Chat":
        ends = self.count("response.end")
        self.write(text)
        self.click("Send message")
        self.until(f"seen.filter(([name]) => name === 'response.end').length > {ends}")
        self.settle()
        return self

    def click(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True)

    # What there is to see

    @property
    def bubbles(self) -> list[tuple[str, str]]:
        """[("user", "hi"), ("assistant", "Hello")], as far as there is text."""
        script = """() => [...el.ui.querySelectorAll("article")].map((article) => [
            article.dataset.threadTurn,
            [...article.querySelectorAll(".item")].map((item) => item.textContent).join("|"),
        ])"""
        return [tuple(pair) for pair in self.page.evaluate(script)]

    @property
    def text(self) -> str:
        return self.page.evaluate("el.ui.textContent")

    @property
    def is_start_screen(self) -> bool:
        return self.page.locator(".start").is_visible()

    @property
    def is_blank(self) -> bool:
        return self.page.evaluate("el.ui.childElementCount") == 0

    @property
    def toasts(self) -> list[str]:
        return self.page.locator(".toast").all_inner_texts()

    @property
    def seen(self) -> list[Any]:
        return self.page.evaluate("seen")

    def events(self, *names: str) -> list[Any]:
        """The events so far, without logs; with names, only what came with these."""
        if names:
            return [detail for name, detail in self.seen if name in names]
        return [name for name, _ in self.seen if name not in ("ready", "log")]

    def count(self, name: str) -> int:
        return len(self.events(name))

    @property
    def errors(self) -> list[tuple[str, str]]:
        return [(each["name"], each["message"]) for each in self.events("error")]

    @property
    def violations(self) -> list[str]:
        return self.page.evaluate("el.violations")
