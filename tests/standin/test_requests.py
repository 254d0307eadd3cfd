"""Every request of the stand-in is one the real element sends, and one that chatkit-python reads."""

import json
import re

import pytest
from pydantic import TypeAdapter, ValidationError

from tests.standin.harness import (
    FIXTURES,
    OPTIONS,
    answer,
    assistant,
    done,
    first_turn,
    fn,
    item,
    stream,
    thread,
    user,
)

from chatkit.types import ChatKitReq

pytestmark = pytest.mark.browser

RECORDED = json.loads((FIXTURES / "client_requests.json").read_text())
READER = TypeAdapter(ChatKitReq)
DEPARTURE = stream({"type": "stream_options", "stream_options": {"allow_cancel": True}})


@pytest.fixture(autouse=True)
def read_by_the_sdk(backend):
    """After each test: chatkit-python reads all that was sent, and the headers are the recorded ones."""
    yield
    for request in backend.requests:
        if " " in request["type"]:
            continue
        if "result" in request["body"]["params"] or request["type"] != "threads.add_client_tool_output":
            READER.validate_python(request["body"])
        check_headers(request)


def check_headers(request):
    headers = request["headers"]
    streams = request["type"] in {
        "threads.create",
        "threads.add_user_message",
        "threads.add_client_tool_output",
        "threads.add_structured_input",
        "threads.retry_after_item",
        "threads.custom_action",
    }
    assert request["method"] == "POST"
    assert headers["content-type"] == "application/json"
    assert headers["accept"] == ("text/event-stream" if streams else "*/*")
    assert headers["accept-language"] == "en"
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}",
        headers["chatkit-frame-instance-id"],
    )
    assert "x-csrftoken" not in headers


def same(sent, name):
    """Byte for byte, so also in the order of keys."""
    assert json.dumps(sent) == json.dumps(RECORDED[name])


def test_at_mount(chat, backend):
    chat.open()
    same(backend.requests[0]["body"], "threads.list")


def test_pages_of_the_list(chat, backend):
    page = {"data": [thread(id="thr_9")], "has_more": True, "after": "<after of previous page>"}
    backend.on("threads.list", answer(page), answer({"data": [thread(id="thr_8")], "has_more": False}))
    chat.open()
    same(backend.requests[1]["body"], "threads.list next page")
    chat.click("Conversation history")
    assert chat.page.locator(".history-row").count() == 2
    assert len(backend.requests) == 2


def test_initial_thread_and_its_pages(chat, backend):
    first = thread(user("hi"), assistant("Hello"))
    first["items"].update(has_more=True, after="<after of previous page>")
    backend.on("threads.get_by_id", answer(first))
    backend.on("items.list", answer({"data": [user("More", "msg_2")], "has_more": False}))
    chat.open(initialThread="thr_1")
    assert [request["type"] for request in backend.requests] == [
        "threads.get_by_id",
        "items.list",
        "threads.list",
    ]
    same(backend.requests[0]["body"], "threads.get_by_id")
    same(backend.requests[1]["body"], "items.list (more items than the first page)")
    assert chat.bubbles == [("user", "hi"), ("assistant", "Hello"), ("user", "More")]


def test_first_message(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    chat.open().send()
    same(backend.bodies("threads.create")[0], "threads.create")


TAGS = """{ tags: async (query) => (window.queries ??= []).push(query) && [
  { id: "doc1", title: "Doc One", data: { k: "v" }, group: "Docs", interactive: true },
  { id: "doc2", title: "Doc Two", group: "Docs", data: {} }],
  click: (entity) => { window.clicked = entity; },
  preview: async ({ title }) => ({
    preview: { type: "Basic", children: [{ type: "Text", value: `About ${title}` }] } }) }"""


def test_message_with_a_mention(chat, backend):
    backend.on(
        "threads.create", lambda body: first_turn(done(user("", content=body["params"]["input"]["content"])))
    )
    chat.open(
        TAGS, entities={"onTagSearch": fn("tags"), "onClick": fn("click"), "onRequestPreview": fn("preview")}
    )
    editor = chat.page.get_by_role("textbox")
    editor.click()
    chat.page.keyboard.type("see @Do")
    chat.page.get_by_role("option", name="Doc One").wait_for()
    chat.page.keyboard.press("ArrowDown")
    chat.page.keyboard.press("ArrowUp")
    chat.page.keyboard.press("Enter")
    chat.page.keyboard.type(" thanks")
    chat.page.keyboard.press("Enter")
    chat.until("seen.some(([name]) => name === 'response.end')")
    same(backend.bodies("threads.create")[0], "threads.create with tag")
    assert chat.page.evaluate("queries") == ["", "D", "Do"]
    chip = chat.page.locator("article .entity")
    chip.hover()
    assert chat.page.get_by_text("About Doc One").is_visible()
    chip.click()
    assert chat.page.evaluate("clicked.id") == "doc1"


def test_model_tool_and_attachment(chat, backend):
    backend.on("threads.get_by_id", answer(thread(user("hi"))))
    backend.on("threads.add_user_message", DEPARTURE)
    upload = {"url": "/up", "method": "POST", "headers": {"x-desc": "1"}}
    file = {
        "id": "atc_1",
        "name": "p.png",
        "mime_type": "image/png",
        "type": "image",
        "preview_url": backend.url + "p.png",
    }
    backend.on("attachments.create", answer({**file, "upload_descriptor": upload})).on("POST /up", answer({}))
    chat.open(
        initialThread="thr_1",
        api={**OPTIONS["api"], "uploadStrategy": {"type": "two_phase"}},
        composer={
            "attachments": {"enabled": True},
            "models": [{"id": "m0", "label": "Small"}, {"id": "m1", "label": "Big"}],
            "tools": [{"id": "srch", "label": "Search", "icon": "search"}],
        },
    )
    chat.page.locator("input[type=file]").set_input_files(
        {"name": "p.png", "mimeType": "image/png", "buffer": b"x" * 70}
    )
    chat.page.locator(".upload[data-state=ready]").wait_for()
    chat.page.get_by_label("Model").select_option("m1")
    chat.click("Tools")
    chat.page.get_by_role("menuitemradio", name="Search").click()
    chat.send("again")
    same(backend.bodies("threads.add_user_message")[0], "threads.add_user_message")
    same(backend.bodies("attachments.create")[0], "attachments.create")
    (sent,) = backend.of("POST /up")
    assert b'name="file"; filename="p.png"' in sent["body"]
    assert sent["headers"]["x-desc"] == "1"
    assert chat.events("tool.change") == [{"toolId": "srch"}, {"toolId": None}]


def two_phase(chat, backend, method="POST", **attachments):
    chat.open(
        api={**OPTIONS["api"], "uploadStrategy": {"type": "two_phase"}},
        composer={"attachments": {"enabled": True, **attachments}},
    )
    backend.on(
        "attachments.create",
        answer(
            {
                "id": "atc_1",
                "name": "p.png",
                "mime_type": "image/png",
                "type": "file",
                "upload_descriptor": {"url": "/up", "method": method, "headers": {}},
            }
        ),
    ).on(f"{method} /up", answer({})).on("attachments.delete", answer({}))


def pick(chat, name="p.png", kind="image/png", size=70):
    chat.page.locator("input[type=file]").set_input_files(
        {"name": name, "mimeType": kind, "buffer": b"x" * size}
    )
    chat.settle()


def test_upload_by_put_and_removal(chat, backend):
    two_phase(chat, backend, "PUT")
    pick(chat)
    (sent,) = backend.of("PUT /up")
    assert sent["body"] == b"x" * 70
    assert sent["headers"]["content-type"] == "image/png"
    chat.click("Remove p.png")
    chat.settle()
    same(backend.bodies("attachments.delete")[0], "attachments.delete")
    assert chat.page.locator(".upload").count() == 0


def test_upload_that_fails(chat, backend):
    two_phase(chat, backend)
    backend.on("attachments.create", answer({"message": "Too many"}, 400))
    pick(chat)
    assert chat.errors == [("FileAttachmentError", "Failed to upload file: Too many")]
    assert chat.toasts == ["Failed to upload file: Too many"]


def test_upload_without_descriptor(chat, backend):
    two_phase(chat, backend)
    backend.on("attachments.create", answer({"id": "atc_1"}))
    pick(chat)
    assert chat.toasts == ["Failed to upload file: File upload URL missing"]


def test_limits_of_the_client(chat, backend):
    two_phase(chat, backend, accept={"image/png": [".png"]}, maxSize={"image/*": 100}, maxCount=1)
    pick(chat, "a.pdf", "application/pdf")
    pick(chat, size=101)
    assert backend.of("attachments.create") == []
    pick(chat)
    pick(chat)
    assert len(backend.of("attachments.create")) == 1
    first, second, third = chat.toasts
    assert first == "That file type isn't supported. Accepted types are: .png."
    assert second.startswith("Your file is too large")
    assert "up to 1" in third


def test_direct_upload(chat, backend):
    backend.on(
        "threads.create",
        lambda body: first_turn(
            done(
                user(
                    "",
                    attachments=[{"id": "atc_7", "type": "file", "name": "p.png", "mime_type": "image/png"}],
                )
            )
        ),
    )
    backend.on(
        "POST /direct", answer({"id": "atc_7", "name": "p.png", "mime_type": "image/png", "type": "file"})
    )
    chat.open(
        api={**OPTIONS["api"], "uploadStrategy": {"type": "direct", "uploadUrl": "/direct"}},
        composer={"attachments": {"enabled": True}},
    )
    pick(chat)
    (sent,) = backend.of("POST /direct")
    assert sent["headers"]["accept"] == "*/*"
    assert "chatkit-frame-instance-id" in sent["headers"]
    chat.send("look")
    assert backend.bodies("threads.create")[0]["params"]["input"]["attachments"] == ["atc_7"]


def test_direct_upload_without_metadata(chat, backend):
    backend.on("POST /direct", answer({}))
    chat.open(
        api={**OPTIONS["api"], "uploadStrategy": {"type": "direct", "uploadUrl": "/direct"}},
        composer={"attachments": {"enabled": True}},
    )
    pick(chat)
    assert chat.toasts == ["Failed to upload file: Upload endpoint did not return file metadata"]


def test_client_tool(chat, backend):
    call = item("client_tool_call", "tc_1", status="pending", call_id="c", name="get_sel", arguments={"p": 1})
    backend.on("threads.create", first_turn(done(call)))
    backend.on("threads.add_client_tool_output", stream(done(assistant("Thanks"))))
    chat.open("{ tool: (call) => (window.called = call, { any: 'json' }) }", onClientTool=fn("tool")).send()
    assert chat.page.evaluate("called") == {"name": "get_sel", "params": {"p": 1}}
    same(backend.bodies("threads.add_client_tool_output")[0], "threads.add_client_tool_output")
    assert chat.bubbles == [("user", "hi"), ("assistant", "Thanks")]
    assert chat.events() == ["response.start", "thread.change", "response.end"]
    assert chat.violations == []


CALL = item("client_tool_call", "tc_1", status="pending", call_id="c", name="get_sel", arguments={})


def test_client_tool_that_throws_says_nothing(chat, backend):
    backend.on("threads.create", first_turn(done(CALL)))
    chat.open("{ tool() { throw new Error('no') } }", onClientTool=fn("tool")).send()
    assert backend.of("threads.add_client_tool_output") == []
    assert chat.errors == []


def test_client_tool_that_answers_undefined(chat, backend):
    backend.on("threads.create", first_turn(done(CALL)))
    backend.on("threads.add_client_tool_output", answer({}, 500))
    chat.open("{ tool() {} }", onClientTool=fn("tool")).send()
    name = next(name for name in RECORDED if name.startswith("threads.add_client_tool_output ("))
    same(backend.bodies("threads.add_client_tool_output")[0], name)
    assert len(backend.of("threads.add_client_tool_output")) == 6
    with pytest.raises(ValidationError):
        READER.validate_python(RECORDED[name])


def test_client_tool_without_handler(chat, backend):
    backend.on("threads.create", first_turn(done(CALL)))
    chat.open().send()
    ((name, message),) = chat.errors
    assert name == "IntegrationError"
    assert message.startswith("No handler for client tool calls")


def test_client_tool_call_that_is_sent_twice_runs_twice(chat, backend):
    backend.on("threads.create", first_turn({"type": "thread.item.added", "item": CALL}, done(CALL)))
    backend.on("threads.add_client_tool_output", DEPARTURE)
    chat.open("{ tool: () => ({ n: window.n = (window.n ?? 0) + 1 }) }", onClientTool=fn("tool")).send()
    assert chat.page.evaluate("n") == 2
    assert any("its handler runs twice" in text for text in chat.violations)


def test_pending_client_tool_is_not_run_on_reload(chat, backend):
    backend.on("threads.get_by_id", answer(thread(user("hi"), CALL)))
    chat.open(
        "{ tool: () => { window.called = true; return {}; } }", onClientTool=fn("tool"), initialThread="thr_1"
    )
    assert chat.page.evaluate("window.called") is None


QUESTIONS = item(
    "structured_input",
    "msg_1",
    status="pending",
    inputs=[
        {
            "id": "p",
            "question": "PRIO?",
            "type": "multiple_choice",
            "options": [{"value": "Low"}, {"value": "High"}],
            "multiple": False,
        },
        {"id": "n", "question": "NOTES?", "type": "freeform"},
    ],
)


@pytest.fixture
def asked(chat, backend):
    backend.on("threads.get_by_id", answer(thread(user("hi"), QUESTIONS)))
    return chat.open(initialThread="thr_1")


def answered(status):
    return stream(
        {"type": "thread.item.replaced", "item": {**QUESTIONS, "status": status}}, done(assistant("Thanks"))
    )


def test_answered_questions(asked, backend):
    backend.on("threads.add_structured_input", answered("answered"))
    assert asked.page.locator("[data-composer]").count() == 0
    assert "1 of 2" in asked.text
    asked.page.get_by_label("Low").check()
    asked.click("Next")
    asked.page.get_by_role("textbox", name="NOTES?").fill("my note")
    asked.click("Submit")
    asked.page.get_by_text("Thanks").wait_for()
    same(backend.bodies("threads.add_structured_input")[0], "threads.add_structured_input answered")
    assert "Asked 2 questions" in asked.text


def test_skipped_questions(asked, backend):
    backend.on("threads.add_structured_input", answered("skipped"))
    asked.click("Skip")
    asked.click("Skip")
    asked.page.get_by_text("Thanks").wait_for()
    same(backend.bodies("threads.add_structured_input")[0], "threads.add_structured_input skipped")
    assert "Skipped questions" in asked.text


def test_retry_and_feedback(chat, backend):
    backend.on(
        "threads.get_by_id",
        answer(thread(user("hi", "<id of the user message>"), assistant("Hello", "msg_1"))),
    )
    backend.on("items.feedback", answer({})).on(
        "threads.retry_after_item", stream(done(assistant("Better", "msg_2")))
    )
    chat.open(initialThread="thr_1", threadItemActions={"feedback": True, "retry": True})
    chat.click("Thumbs up")
    chat.settle()
    same(backend.bodies("items.feedback")[0], "items.feedback")
    assert chat.button("Thumbs up").get_attribute("aria-pressed") == "true"
    chat.click("Thumbs up")
    chat.click("Thumbs down")
    chat.settle()
    assert [body["params"]["kind"] for body in backend.bodies("items.feedback")] == [
        "positive",
        "positive",
        "negative",
    ]
    chat.click("Regenerate message")
    chat.page.get_by_text("Better").wait_for()
    same(backend.bodies("threads.retry_after_item")[0], "threads.retry_after_item")
    assert chat.bubbles == [("user", "hi"), ("assistant", "Better")]


def test_feedback_is_about_the_whole_turn(chat, backend):
    work = item("workflow", "wf_1", workflow={"type": "custom", "tasks": []})
    end = item("end_of_turn", "end_1")
    backend.on(
        "threads.get_by_id",
        answer(thread(user("hi"), work, assistant("One", "a"), assistant("Two", "b"), end)),
    )
    backend.on("items.feedback", answer({"message": "no"}, 500))
    chat.open(initialThread="thr_1")
    chat.click("Thumbs down")
    chat.settle()
    assert backend.bodies("items.feedback")[0]["params"]["item_ids"] == ["wf_1", "a", "b"]
    assert chat.toasts == []


def button(label, **action):
    config = {"handler": "server", "loadingBehavior": "auto", "streaming": True, **action}
    return {"type": "Button", "label": label, "onClickAction": config}


WIDGET = item(
    "widget",
    "msg_1",
    widget={
        "type": "Card",
        "children": [
            button("Server", type="srv.go", payload={"k": 1}),
            button("Client", type="cli.go", payload={"k": 2}, handler="client"),
            button("Sync", type="sync.go", payload={"k": 3}, streaming=False),
        ],
    },
)


@pytest.fixture
def with_widget(chat, backend):
    backend.on("threads.get_by_id", answer(thread(user("hi"), WIDGET)))
    return chat.open(
        "{ act: async (action, item) => { window.acted = [action, item.id, item.widget.type]; } }",
        initialThread="thr_1",
        widgets={"onAction": fn("act")},
    )


def test_server_action(with_widget, backend):
    backend.on("threads.custom_action", stream(done(assistant("Did it"))))
    with_widget.click("Server")
    with_widget.page.get_by_text("Did it").wait_for()
    same(backend.bodies("threads.custom_action")[0], "threads.custom_action from widget")
    assert with_widget.count("response.start") == 0


def test_action_that_streams_reports_a_response(with_widget, backend):
    backend.on(
        "threads.custom_action",
        stream({"type": "progress_update", "text": "Wait"}, done(assistant("Did it"))),
    )
    with_widget.click("Server")
    with_widget.page.get_by_text("Did it").wait_for()
    with_widget.settle()
    assert [with_widget.count("response.start"), with_widget.count("response.end")] == [1, 1]


def test_client_action(with_widget, backend):
    with_widget.click("Client")
    assert with_widget.page.evaluate("acted") == [{"type": "cli.go", "payload": {"k": 2}}, "msg_1", "Card"]
    assert backend.of("threads.custom_action") == []


def test_sync_action(with_widget, backend):
    changed = {**WIDGET, "widget": {"type": "Card", "children": [{"type": "Text", "value": "Changed"}]}}
    backend.on("threads.sync_custom_action", answer({"updated_item": changed}))
    with_widget.click("Sync")
    with_widget.page.get_by_text("Changed").wait_for()
    same(backend.bodies("threads.sync_custom_action")[0], "threads.sync_custom_action")


def test_custom_action_of_the_page(with_widget, backend):
    backend.on("threads.custom_action", DEPARTURE)
    assert with_widget.call("sendCustomAction", {"type": "x.go", "payload": {"a": 1}}) == ""
    same(backend.bodies("threads.custom_action")[0], "threads.custom_action from sendCustomAction(action)")
    assert with_widget.call("sendCustomAction", {"type": "x.go"}, "msg_1") == ""
    assert backend.bodies("threads.custom_action")[1]["params"]["item_id"] == "msg_1"


def test_form_values_go_along(chat, backend):
    form = item(
        "widget",
        "msg_1",
        widget={
            "type": "Card",
            "asForm": True,
            "confirm": {"label": "Save", "action": {"type": "save", "payload": {"id": 7}}},
            "children": [
                {"type": "Input", "name": "note.text", "placeholder": "Note"},
                {
                    "type": "Select",
                    "name": "day",
                    "options": [{"value": "mon", "label": "Monday"}],
                    "placeholder": "Day",
                },
                {"type": "Checkbox", "name": "ok", "label": "OK"},
            ],
        },
    )
    backend.on("threads.get_by_id", answer(thread(user("hi"), form))).on("threads.custom_action", DEPARTURE)
    chat.open(initialThread="thr_1")
    chat.page.get_by_placeholder("Note").fill("hey")
    chat.page.locator("select").select_option("mon")
    chat.page.get_by_label("OK").check()
    chat.click("Save")
    chat.settle()
    action = backend.bodies("threads.custom_action")[0]["params"]["action"]
    assert action == {"type": "save", "payload": {"id": 7, "note": {"text": "hey"}, "day": "mon", "ok": True}}


def test_rename_and_delete(chat, backend):
    rows = {"data": [thread(title="Old"), thread(id="thr_2", title="Other")], "has_more": False}
    backend.on("threads.list", answer(rows)).on("threads.get_by_id", answer(thread(user("hi"), title="Old")))
    backend.on("threads.update", answer(thread(title="Renamed"))).on("threads.delete", answer({}))
    chat.open(initialThread="thr_1")
    chat.click("Conversation history")
    row = chat.page.locator("[data-thread-id=thr_1]")
    row.get_by_role("button", name="Rename").click()
    chat.page.get_by_label("Title").fill("Renamed")
    chat.page.keyboard.press("Enter")
    chat.settle()
    same(backend.bodies("threads.update")[0], "threads.update")
    assert chat.page.locator(".thread-title").inner_text() == "Renamed"
    row.get_by_role("button", name="Delete").click()
    chat.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    chat.settle()
    same(backend.bodies("threads.delete")[0], "threads.delete")
    assert chat.page.locator(".history-row").count() == 1
    assert chat.events("thread.change") == [{"threadId": None}]
    assert chat.is_start_screen


def test_dictation(chat, backend):
    backend.on("input.transcribe", answer({"text": "dictated"}))
    chat.open(composer={"dictation": {"enabled": True}})
    chat.click("Dictate")
    chat.click("Stop dictation")
    chat.settle()
    (body,) = backend.bodies("input.transcribe")
    assert {**body["params"], "audio_base64": "<base64>"} == RECORDED["input.transcribe"]["params"]
    assert chat.page.get_by_role("textbox").inner_text() == "dictated"


def test_fetch_of_the_options(chat, backend):
    """Called bare, with a text and exactly four keys."""
    chat.open(
        """{ fetch(url, init) {
        "use strict";
        window.call = [this === undefined, typeof url, Object.keys(init)]; return fetch(url, init); } }""",
        api={**OPTIONS["api"], "fetch": fn("fetch")},
    )
    assert chat.page.evaluate("call") == [True, "string", RECORDED["_fetch_init_keys"]]
    assert len(backend.requests) == 1


def test_previews_are_loaded_without_cookies(chat, backend):
    file = {
        "id": "atc_1",
        "type": "image",
        "name": "p.png",
        "mime_type": "image/png",
        "preview_url": backend.url + "missing.png",
    }
    backend.on("threads.get_by_id", answer(thread(user("hi", attachments=[file]))))
    chat.open(initialThread="thr_1")
    assert chat.violations == ["a preview needs a cookie: 404 without"]
