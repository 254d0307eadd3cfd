"""A server on localhost that speaks OpenAI's API, streaming: Responses and Chat Completions.

It checks each request as strictly as the endpoints do that people have trouble with, and records
what it was asked::

    with OpenAIAPI() as api:
        api.answers = [Answer("Hello ", "there.")]
        model = api.chat_model()
        ...
        assert api.bodies[0]["messages"]
"""

import email
import json
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from agents import OpenAIChatCompletionsModel, OpenAIResponsesModel
from openai import AsyncOpenAI

KEY = "sk-test-key"


class Answer:
    """What the model says next: pieces of text, tool calls, a refusal, or an HTTP error."""

    def __init__(self, *pieces: str, **how: Any) -> None:
        self.pieces = pieces
        self.thoughts: tuple[str, ...] = how.pop("thoughts", ())
        self.thoughts_field: str = how.pop("thoughts_field", "reasoning_content")
        """How a Chat-Completions endpoint calls them; Ollama and vLLM say ``reasoning``."""
        self.pictures: tuple[str, ...] = how.pop("pictures", ())
        """In base64; all but the last are on the way."""
        self.sources: tuple[dict[str, Any], ...] = how.pop("sources", ())
        """Annotations of the text."""
        self.tools: list[tuple[str, dict[str, Any]]] = how.pop("tools", [])
        """Called at the same time."""
        if "tool" in how:
            self.tools = [how.pop("tool")]
        self.refusal: str = how.pop("refusal", "")
        self.hosted: list[dict[str, Any]] = how.pop("hosted", [])
        """Calls of tools that the provider runs itself."""
        self.seconds: float = how.pop("seconds", 0.0)
        """Between two pieces, and before the first."""
        self.silent: bool = how.pop("silent", False)
        """Without a sign of life meanwhile?"""
        self.status: int = how.pop("status", 200)
        self.error: dict[str, Any] = how.pop("error", {"message": "failed", "code": None})
        assert not how, how


@dataclass
class OpenAIAPI:
    answers: list[Answer] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    left: list[float] = field(default_factory=list)
    """When readers left before the end."""
    running: int = 0
    keep_alive: bool = False
    """Do connections stay open for the next request, as OpenAI's do?"""

    def __enter__(self) -> "OpenAIAPI":
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.api = self
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self.thread.start()
        self.clients: list[AsyncOpenAI] = []
        return self

    def __exit__(self, *error: object) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()
        assert not self.problems, self.problems

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/v1"

    def client(self, key: str = KEY, **options: Any) -> AsyncOpenAI:
        self.clients.append(AsyncOpenAI(api_key=key, base_url=self.url, max_retries=0, **options))
        return self.clients[-1]

    async def close(self) -> None:
        for client in self.clients:
            await client.close()

    def responses_model(self, **options: Any) -> OpenAIResponsesModel:
        return OpenAIResponsesModel(model="gpt-test", openai_client=self.client(**options))

    def chat_model(self, **options: Any) -> OpenAIChatCompletionsModel:
        return OpenAIChatCompletionsModel(model="local-test", openai_client=self.client(**options))

    def next_answer(self) -> Answer:
        return self.answers.pop(0) if self.answers else Answer("Answer ", f"{len(self.bodies)}.")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def api(self) -> OpenAIAPI:
        return self.server.api

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        received = self.rfile.read(int(self.headers["Content-Length"]))
        is_speech = self.path.endswith("/audio/transcriptions")
        body = read_form(self.headers["Content-Type"], received) if is_speech else json.loads(received)
        self.api.paths.append(self.path)
        self.api.bodies.append(body)
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.api.keys.append(key)
        if not self.path.endswith(("/responses", "/chat/completions", "/audio/transcriptions")):
            self.api.problems.append(f"unexpected request: {self.path}")
        if key != KEY:
            # OpenAI repeats the key, too.
            return self.refuse(
                401, {"message": f"Incorrect API key provided: {key}", "code": "invalid_api_key"}
            )
        if is_speech:
            return self.transcribe(body)
        is_chat = self.path.endswith("/chat/completions")
        if problem := chat_problem(body) if is_chat else responses_problem(body):
            self.api.problems.append(problem)
            return self.refuse(400, {"message": problem, "code": "invalid_request"})
        answer = self.api.next_answer()
        if answer.status != 200:
            return self.refuse(answer.status, answer.error)
        events = (
            chat_chunks(answer, len(self.api.bodies))
            if is_chat
            else response_events(answer, len(self.api.bodies))
        )
        if not body.get("stream"):
            return self.reply(200, list(events)[-1]["response"])
        return self.stream(events, answer)

    def transcribe(self, body: dict[str, Any]) -> None:
        if problem := speech_problem(body):
            self.api.problems.append(problem)
            return self.refuse(400, {"message": problem, "code": "invalid_request"})
        answer = self.api.next_answer()
        time.sleep(answer.seconds)
        if answer.status != 200:
            return self.refuse(answer.status, answer.error)
        with suppress(OSError):  # the caller has left
            self.reply(200, {"text": "".join(answer.pieces)})

    def refuse(self, status: int, error: dict[str, Any]) -> None:
        self.reply(status, {"error": {"type": "test", "param": None, **error}})

    def reply(self, status: int, data: Any) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def stream(self, events: Any, answer: Answer) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        if self.api.keep_alive:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Connection", "close")
        self.end_headers()
        self.api.running += 1
        try:
            for event in events:
                if is_piece(event) and answer.seconds:
                    self.sleep(answer)
                self.write(b"data: " + json.dumps(event).encode() + b"\n\n")
            with suppress(OSError):
                self.write(b"data: [DONE]\n\n")
                self.write(b"")
        except OSError:
            self.api.left.append(time.monotonic())
        finally:
            self.api.running -= 1

    def sleep(self, answer: Answer) -> None:
        """A model thinks; a comment now and then shows whether anybody still listens."""
        end = time.monotonic() + answer.seconds
        while time.monotonic() < end:
            time.sleep(min(0.02, answer.seconds))
            if not answer.silent:
                self.write(b": thinking\n\n")

    def write(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data) if self.api.keep_alive else data)


def is_piece(event: dict[str, Any]) -> bool:
    if event.get("object") == "chat.completion.chunk":
        return bool(event["choices"] and event["choices"][0]["delta"].get("content"))
    return event["type"].endswith(".delta") and "arguments" not in event["type"]


def read_form(content_type: str, body: bytes) -> dict[str, Any]:
    """The fields of a form; a file as its name, type and bytes."""
    message = email.message_from_bytes(b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + body)
    fields: dict[str, Any] = {}
    for part in message.get_payload():
        name = part.get_param("name", header="Content-Disposition")
        content = part.get_payload(decode=True)
        file = part.get_filename()
        fields[name] = (file, part.get_content_type(), content) if file else content.decode()
    return fields


# What they refuse


def speech_problem(body: dict[str, Any]) -> str:
    """They tell formats apart by the ending of the name."""
    file, model = body.get("file"), body.get("model")
    if not model or not isinstance(file, tuple) or not file[2]:
        return f"no file or no model among {sorted(body)}"
    if not file[0].endswith((".webm", ".ogg", ".mp4", ".wav", ".mp3", ".m4a")):
        return f"unknown ending of {file[0]}"
    unknown = body.keys() - {"file", "model", "language", "prompt", "response_format"}
    return f"unknown fields {sorted(unknown)}" if unknown else ""


def chat_problem(body: dict[str, Any]) -> str:
    """Why an endpoint for Chat Completions would refuse a request; ``""`` if it would not."""
    waiting: set[str] = set()
    for place, message in enumerate(body["messages"]):
        role, content = message["role"], message.get("content")
        if role not in ("system", "user", "assistant", "tool"):
            return f"unknown role {role}"
        if role == "user" and isinstance(content, list):
            kinds = {part["type"] for part in content}
            if kinds <= {"text"} or kinds - {"text", "image_url", "file"}:
                return f"parts {kinds} of user message {place}"
        elif role == "tool" and isinstance(content, list):
            if {part["type"] for part in content} != {"text"}:
                return f"parts of tool message {place}"
        elif not isinstance(content, str) and not (role == "assistant" and message.get("tool_calls")):
            return f"content of {role} message {place} is not plain text"
        if role == "assistant" and not content and not message.get("tool_calls"):
            return "empty assistant message"
        if role == "tool":
            if message["tool_call_id"] not in waiting:
                return "tool output without a call"
            waiting.remove(message["tool_call_id"])
        elif waiting:
            return "tool call without an output"
        waiting |= {call["id"] for call in message.get("tool_calls") or ()}
    return "tool call without an output" if waiting else ""


def responses_problem(body: dict[str, Any]) -> str:
    calls = {item["call_id"] for item in body["input"] if item.get("type") == "function_call"}
    outputs = {item["call_id"] for item in body["input"] if item.get("type") == "function_call_output"}
    if calls != outputs:
        return "tool call without an output"
    if "__fake_id__" in json.dumps(body):
        return "unknown id"
    roles = {item.get("role") for item in body["input"]} - {None, "user", "assistant", "system", "developer"}
    return f"unknown roles {roles}" if roles else ""


# How they answer


def chat_chunks(answer: Answer, number: int) -> Any:
    def chunk(finish: str | None = None, **delta: Any) -> dict[str, Any]:
        return {
            "id": "chatcmpl-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "local-test",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        }

    yield chunk(role="assistant", content="")
    for thought in answer.thoughts:
        yield chunk(**{answer.thoughts_field: thought})
    for piece in answer.pieces:
        yield chunk(content=piece)
    if answer.refusal:
        yield chunk(refusal=answer.refusal)
    for index, (name, arguments) in enumerate(answer.tools):
        call = {"index": index, "id": f"call_{number}_{index}", "type": "function"}
        yield chunk(tool_calls=[{**call, "function": {"name": name, "arguments": ""}}])
        for piece in halves(json.dumps(arguments)):
            yield chunk(tool_calls=[{"index": index, "function": {"arguments": piece}}])
    yield chunk(finish="tool_calls" if answer.tools else "stop")
    yield {**chunk(), "choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}}


def response_events(answer: Answer, number: int) -> Any:
    output: list[dict[str, Any]] = []
    sequence = iter(range(10**6))

    def event(kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": f"response.{kind}", "sequence_number": next(sequence), **fields}

    def response(status: str) -> dict[str, Any]:
        usage = {
            "input_tokens": 1,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 1,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 2,
        }
        return {
            "id": f"resp_{number}",
            "object": "response",
            "created_at": 1,
            "model": "gpt-test",
            "status": status,
            "output": output,
            "parallel_tool_calls": False,
            "tool_choice": "auto",
            "tools": [],
            "usage": usage if status == "completed" else None,
        }

    yield event("created", response=response("in_progress"))
    if answer.thoughts:
        yield from reasoning_events(answer, number, event, output)
    if answer.pictures:
        yield from picture_events(answer, number, event, output)
    for call in answer.hosted:
        yield event("output_item.added", item={**call, "status": "in_progress"}, output_index=len(output))
        yield event("output_item.done", item=call, output_index=len(output))
        output.append(call)
    if answer.pieces:
        yield from message_events(answer, number, event, output)
    if answer.refusal:
        yield from refusal_events(answer.refusal, number, event, output)
    for index, (name, arguments) in enumerate(answer.tools):
        yield from call_events(name, json.dumps(arguments), f"{number}_{index}", event, output)
    yield event("completed", response=response("completed"))


def call_events(name: str, arguments: str, number: str, event: Any, output: list[dict[str, Any]]) -> Any:
    item = {
        "id": f"fc_{number}",
        "type": "function_call",
        "call_id": f"call_{number}",
        "name": name,
        "arguments": arguments,
        "status": "completed",
    }
    where = {"item_id": item["id"], "output_index": len(output)}
    yield event("output_item.added", item={**item, "arguments": ""}, output_index=len(output))
    for piece in halves(arguments):
        yield event("function_call_arguments.delta", delta=piece, **where)
    yield event("function_call_arguments.done", arguments=arguments, name=name, **where)
    yield event("output_item.done", item=item, output_index=len(output))
    output.append(item)


def halves(text: str) -> tuple[str, str]:
    return text[: len(text) // 2], text[len(text) // 2 :]


def message_events(answer: Answer, number: int, event: Any, output: list[dict[str, Any]]) -> Any:
    item = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "in_progress",
        "content": [],
    }
    where = {"item_id": item["id"], "output_index": len(output), "content_index": 0}
    text = "".join(answer.pieces)
    part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
    yield event("output_item.added", item=item, output_index=len(output))
    yield event("content_part.added", part={**part, "text": ""}, **where)
    for piece in answer.pieces:
        yield event("output_text.delta", delta=piece, logprobs=[], **where)
    for place, source in enumerate(answer.sources):
        yield event("output_text.annotation.added", annotation=source, annotation_index=place, **where)
    part["annotations"] = list(answer.sources)
    yield event("output_text.done", text=text, logprobs=[], **where)
    yield event("content_part.done", part=part, **where)
    done = {**item, "status": "completed", "content": [part]}
    yield event("output_item.done", item=done, output_index=len(output))
    output.append(done)


def refusal_events(refusal: str, number: int, event: Any, output: list[dict[str, Any]]) -> Any:
    item = {"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "in_progress"}
    where = {"item_id": item["id"], "output_index": len(output), "content_index": 0}
    part = {"type": "refusal", "refusal": refusal}
    yield event("output_item.added", item={**item, "content": []}, output_index=len(output))
    yield event("content_part.added", part={**part, "refusal": ""}, **where)
    yield event("refusal.delta", delta=refusal, **where)
    yield event("refusal.done", refusal=refusal, **where)
    yield event("content_part.done", part=part, **where)
    done = {**item, "status": "completed", "content": [part]}
    yield event("output_item.done", item=done, output_index=len(output))
    output.append(done)


def picture_events(answer: Answer, number: int, event: Any, output: list[dict[str, Any]]) -> Any:
    item = {"id": f"ig_{number}", "type": "image_generation_call", "status": "in_progress", "result": None}
    where = {"item_id": item["id"], "output_index": len(output)}
    yield event("output_item.added", item=item, output_index=len(output))
    *partial, last = answer.pictures
    for place, picture in enumerate(partial):
        yield event(
            "image_generation_call.partial_image",
            partial_image_b64=picture,
            partial_image_index=place,
            **where,
        )
    done = {**item, "status": "completed", "result": last}
    yield event("output_item.done", item=done, output_index=len(output))
    output.append(done)


def reasoning_events(answer: Answer, number: int, event: Any, output: list[dict[str, Any]]) -> Any:
    item = {"id": f"rs_{number}", "type": "reasoning", "summary": []}
    yield event("output_item.added", item=item, output_index=len(output))
    for index, thought in enumerate(answer.thoughts):
        where = {"item_id": item["id"], "output_index": len(output), "summary_index": index}
        yield event("reasoning_summary_text.delta", delta=thought, **where)
        yield event("reasoning_summary_text.done", text=thought, **where)
    done = {**item, "summary": [{"type": "summary_text", "text": thought} for thought in answer.thoughts]}
    yield event("output_item.done", item=done, output_index=len(output))
    output.append(done)
