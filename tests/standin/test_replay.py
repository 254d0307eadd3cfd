"""The stand-in fails where the real element was seen to fail, and shows what the real one shows.

What went wrong in other people's integrations is played again here. A stand-in that renders a broken stream
would be worse than none.
"""

import json

import pytest

from tests.standin.harness import (
    CANCELLABLE,
    CREATED,
    FIXTURES,
    Reply,
    added,
    answer,
    assistant,
    delta,
    done,
    first_turn,
    fixture,
    item,
    part,
    stream,
    streamed,
    thread,
    update,
    user,
)

pytestmark = pytest.mark.browser

HELLO = [("user", "hi"), ("assistant", "Hello")]
GENERIC = "There was an error while generating the assistant's response."


# What chatkit-python sends is shown, and nothing is wrong with it.


@pytest.mark.parametrize("name", sorted(path.name for path in FIXTURES.glob("threads.create.*.sse")))
def test_recorded_first_turns_are_shown(chat, backend, name):
    backend.on("threads.create", fixture(name))
    if ".tool." in name:
        backend.on("threads.add_client_tool_output", fixture("threads.add_client_tool_output.sse"))
    chat.open("{ tool: () => ({}) }", onClientTool={"fn": "tool"}).send()
    assert chat.bubbles[0] == ("user", name.split(".")[2])
    assert chat.violations == []
    assert chat.errors == []


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("addeddone", "ADDEDDONE text"),
        ("title", "REPLY to title"),
        ("notice", "after notice"),
        ("progress", "after progress"),
        ("effect", "after effect"),
        ("wf", "Thought for 3sTHOUGHT text|after wf"),
        ("widget", "WIDGET textSrvBtnCliBtnSyncBtn"),
    ],
)
def test_recorded_later_turns_are_shown(chat, backend, name, shown):
    body = fixture(f"threads.add_user_message.{name}.sse")
    (thread_id,) = {event["item"]["thread_id"] for event in events_of(body) if "item" in event}
    backend.on("threads.get_by_id", answer(thread(id=thread_id))).on("threads.add_user_message", body)
    chat.open(initialThread=thread_id).send(name)
    assert chat.bubbles == [("user", name), ("assistant", shown)]
    assert chat.violations == []


def events_of(reply):
    return [json.loads(line[5:]) for line in reply.body.splitlines() if line.startswith("data:")]


def test_recorded_thread_is_shown(chat, backend):
    backend.on("threads.get_by_id", fixture("threads.get_by_id.json"))
    backend.on("items.list", answer({"data": [], "has_more": False}))
    backend.on("threads.list", fixture("threads.list.json"))
    chat.open(initialThread="thr_40c4f01c")
    assert [text for role, text in chat.bubbles if role == "user"][:3] == ["doneonly", "addeddone", "title"]
    assert chat.violations == []
    assert chat.events() == ["thread.load.start", "thread.load.end"]


def test_streamed_answer(chat, backend):
    backend.on("threads.create", first_turn(*streamed("Hello")))
    assert chat.open().send().bubbles == HELLO
    assert chat.violations == []
    assert chat.events() == ["response.start", "thread.change", "response.end"]


def test_answer_in_small_pieces(chat, backend):
    """Cut anywhere, also inside a character."""
    whole = "".join(first_turn(done(assistant("Grüße 🎈"))).body).encode()
    pieces = [whole[at : at + 7] for at in range(0, len(whole), 7)]
    backend.on("threads.create", Reply(pieces, content_type="text/event-stream", pause=0.001))
    assert chat.open().send().bubbles == [("user", "hi"), ("assistant", "Grüße 🎈")]


# Answers that are no streams


@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize("content_type", ["application/json", "text/html", "text/event-stream"])
def test_4xx_says_nothing(chat, backend, status, content_type):
    backend.on("threads.create", Reply('{"message": "No"}', status, content_type))
    chat.open().send()
    assert chat.is_start_screen
    assert chat.errors == []
    assert chat.toasts == []
    assert chat.events("thread.change") == [{"threadId": None}]
    assert len(backend.of("threads.create")) == 1
    assert chat.violations


def test_4xx_takes_the_bubble_of_a_later_message_away(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    backend.on("threads.add_user_message", answer({"message": "No"}, 403))
    chat.open().send().send("again")
    assert chat.bubbles == HELLO
    assert chat.errors == []
    assert "again" not in chat.text


def test_429_says_so(chat, backend):
    backend.on("threads.create", answer({}, 429))
    chat.open().send()
    assert len(backend.of("threads.create")) == 1
    assert chat.toasts[0].startswith("You've sent too many requests")
    assert chat.is_start_screen


@pytest.mark.parametrize(
    "reply",
    [
        answer({"message": "Oops"}, 500),
        Reply("<h1>Bad gateway</h1>", 502, "text/html"),
        Reply("data: {}\n\n", 503, "text/event-stream"),
        answer({"message": "fine"}),
        Reply("<form>Log in</form>", 200, "text/html"),
        Reply('{"type":"thread.created","thread":{"id":"thr_1"}}\n', 200, "application/x-ndjson"),
    ],
    ids=["500", "502", "503 sse", "json", "login page", "ndjson"],
)
def test_5xx_and_wrong_types_are_posted_six_times(chat, backend, reply):
    backend.on("threads.create", reply)
    chat.open().send()
    assert len(backend.of("threads.create")) == 6
    assert chat.is_start_screen
    assert chat.errors == []
    assert chat.violations


def test_bubble_stays_while_it_is_tried_again(chat, backend):
    backend.on("threads.create", answer({}, 500), answer({}, 500), first_turn(done(assistant("Hello"))))
    chat.open()
    chat.page.evaluate("el.setAttribute('retry-ms', '300')")
    chat.write("hi")
    chat.click("Send message")
    chat.page.wait_for_timeout(150)
    assert chat.bubbles == [("user", "hi")]
    chat.until("seen.some(([name]) => name === 'response.end')")
    chat.settle()
    assert chat.bubbles == HELLO


def test_empty_stream(chat, backend):
    backend.on("threads.create", stream())
    chat.open().send()
    assert len(backend.of("threads.create")) == 1
    assert chat.is_start_screen
    assert chat.errors == []


def test_empty_stream_takes_the_bubble_of_a_later_message_away(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello")))).on(
        "threads.add_user_message", stream()
    )
    assert chat.open().send().send("again").bubbles == HELLO


def test_network_failure(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    chat.open(
        "{ fetch: (...a) => window.broken ? Promise.reject(new TypeError('Failed')) : fetch(...a) }",
        api={"url": "/chatkit", "domainKey": "x", "fetch": {"fn": "fetch"}},
    ).send()
    chat.page.evaluate("window.broken = true")
    chat.send("again")
    assert len(backend.of("threads.add_user_message")) == 0
    assert GENERIC in chat.text
    assert chat.errors[0][0] == "StreamError"


# The error event


def test_error_event(chat, backend):
    backend.on(
        "threads.create",
        first_turn({"type": "error", "code": "custom", "message": "Quota", "allow_retry": True}),
    )
    chat.open().send()
    assert chat.page.get_by_role("alert").inner_text().startswith("Quota")
    assert chat.button("Retry").is_visible()
    assert chat.errors == [("StreamError", "Quota")]
    assert chat.violations == []


def test_error_event_without_retry_and_message(chat, backend):
    backend.on("threads.create", first_turn({"type": "error", "code": "stream.error"}))
    chat.open().send()
    assert chat.page.get_by_role("alert").inner_text() == GENERIC
    assert not chat.button("Retry").is_visible()


def test_error_event_before_there_is_a_thread(chat, backend):
    backend.on("threads.create", stream({"type": "error", "code": "custom", "message": "Not today"}))
    chat.open().send()
    assert chat.is_start_screen
    assert chat.toasts == ["Not today"]


# Frames


@pytest.mark.parametrize(
    "decorate",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("data:", "event: message\nid: 1\ndata:"),
        lambda text: ": ping\n\n" + text.replace("\n\n", "\n\n: ping\n\n"),
        lambda text: text.replace("data: ", "data:"),
    ],
    ids=["CRLF", "event and id", "comments", "no space"],
)
def test_odd_but_valid_frames(chat, backend, decorate):
    body = decorate("".join(first_turn(done(assistant("Hello"))).body))
    backend.on("threads.create", Reply(body, content_type="text/event-stream; charset=utf-8"))
    assert chat.open().send().bubbles == HELLO


def test_last_event_without_blank_line_is_dropped(chat, backend):
    body = "".join(first_turn(done(assistant("Hello"))).body)
    backend.on("threads.create", Reply(body.rstrip("\n"), content_type="text/event-stream"))
    assert chat.open().send().bubbles == [("user", "hi")]


def test_doubled_data(chat, backend):
    body = "".join(first_turn(done(assistant("Hello"))).body).replace("data: ", "data: data: ")
    backend.on("threads.create", Reply(body, content_type="text/event-stream"))
    chat.open().send()
    assert chat.is_start_screen
    assert {name for name, _ in chat.errors} == {"StreamEventParsingError"}


def test_done_marker_of_another_protocol(chat, backend):
    backend.on("threads.create", first_turn("data: [DONE]\n\n", done(assistant("Hello"))))
    assert chat.open().send().bubbles == HELLO
    assert [name for name, _ in chat.errors] == ["StreamEventParsingError"]
    assert chat.violations


def test_bare_lines_of_json(chat, backend):
    events = [CREATED, done(user("hi")), done(assistant("Hello"))]
    body = "".join(json.dumps(event) + "\n" for event in events)
    backend.on("threads.create", Reply(body, content_type="text/event-stream"))
    chat.open().send()
    assert chat.is_start_screen
    assert chat.violations


# Events of other protocols


NAMES_SEEN = {
    "responses api": ["response.created", "response.output_text.delta", "response.completed"],
    "invented": [
        "response.input_message.created",
        "response.output_message.delta",
        "thread.item.user_message",
    ],
    "assistants api": ["thread.message.created", "thread.message.delta", "thread.message.completed"],
    "realtime": ["conversation.item.created", "response.done"],
}


@pytest.mark.parametrize("names", NAMES_SEEN.values(), ids=NAMES_SEEN)
def test_invented_events_after_thread_created(chat, backend, names):
    """Everything disappears when the stream ends, without any error."""
    events = [{"type": name, "id": "x", "item": assistant("Hello"), "delta": "Hello"} for name in names]
    backend.on("threads.create", stream({"type": "thread.created", "thread": {"id": "thr_1"}}, *events))
    chat.open().send()
    assert chat.bubbles == []
    assert chat.errors == []
    assert chat.events("thread.change") == [{"threadId": "thr_1"}]
    assert chat.violations


@pytest.mark.parametrize("names", NAMES_SEEN.values(), ids=NAMES_SEEN)
def test_invented_events_alone(chat, backend, names):
    backend.on("threads.create", stream(*[{"type": name} for name in names]))
    chat.open().send()
    assert chat.is_start_screen
    assert chat.events("thread.change") == [{"threadId": None}]


# What a stream must have


def test_no_thread_created(chat, backend):
    backend.on("threads.create", stream(done(user("hi")), done(assistant("Hello"))))
    chat.open().send()
    assert chat.is_start_screen
    assert chat.events("thread.change") == [{"threadId": None}]
    assert chat.violations


def test_thread_created_needs_only_the_id(chat, backend):
    backend.on(
        "threads.create",
        stream(
            {"type": "thread.created", "thread": {"id": "thr_1"}}, done(user("hi")), done(assistant("Hello"))
        ),
    )
    assert chat.open().send().bubbles == HELLO


def test_no_echo_of_the_user(chat, backend):
    backend.on("threads.create", stream(CREATED, done(assistant("Hello"))))
    assert chat.open().send().bubbles == [("assistant", "Hello")]
    assert "threads.create: the user's message was not confirmed" in chat.violations


def test_answer_never_done(chat, backend):
    backend.on("threads.create", first_turn(*streamed("Hello")[:-1]))
    assert chat.open().send().bubbles == [("user", "hi"), ("assistant", "")]
    assert "threads.create: item msg_a was added and never done" in chat.violations


def test_bare_deltas(chat, backend):
    """Updates that are not wrapped in thread.item.updated are no events."""
    bare = [event["update"] for event in streamed("Hello") if "update" in event]
    backend.on("threads.create", first_turn(*bare))
    assert chat.open().send().bubbles == [("user", "hi")]
    backend.on(
        "threads.add_user_message", stream(done(user("again", "msg_u2")), *bare, done(assistant("Hello")))
    )
    assert chat.send("again").bubbles == [("user", "hi"), ("user", "again"), ("assistant", "Hello")]


def test_delta_for_an_unknown_item(chat, backend):
    backend.on("threads.create", first_turn(delta("msg_a", "Hello")))
    assert chat.open().send().bubbles == [("user", "hi")]
    assert chat.violations


def test_delta_without_content_part(chat, backend):
    wrongs = []
    chat.page.on("console", lambda message: wrongs.append(message.text) if message.type == "error" else None)
    backend.on(
        "threads.create",
        first_turn(added(item("assistant_message", "msg_a", content=[])), delta("msg_a", "Hello")),
    )
    assert chat.open().send().bubbles == [("user", "hi"), ("assistant", "")]
    assert "Expected undefined to be output_text" in wrongs
    assert (
        "threads.create: assistant_message.content_part.text_delta before content_part.added"
        in chat.violations
    )


def test_part_of_another_type(chat, backend):
    wrong = {"type": "text", "text": "Hello", "annotations": []}
    backend.on("threads.create", first_turn(done(assistant("", content=[wrong]))))
    assert chat.open().send().bubbles == [("user", "hi"), ("assistant", "")]
    assert chat.violations


def test_missing_annotations(chat, backend):
    backend.on(
        "threads.create", first_turn(done(assistant("", content=[{"type": "output_text", "text": "Hello"}])))
    )
    chat.open().send()
    assert chat.page.get_by_role("alert").inner_text() == "Something went wrong. Please try again later."
    assert "threads.create: item.content[0].annotations is missing" in chat.violations


def test_id_used_twice(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello", "__fake_id__"))))
    again = [done(user("again", "msg_u2")), done(assistant("Bye", "__fake_id__"))]
    backend.on("threads.add_user_message", stream(*again))
    assert chat.open().send().send("again").bubbles == [
        ("user", "hi"),
        ("assistant", "Bye"),
        ("user", "again"),
    ]
    assert "threads.add_user_message: id __fake_id__ is used a second time" in chat.violations


def test_done_under_another_id(chat, backend):
    backend.on(
        "threads.create", first_turn(*streamed("Hello", "msg_1")[:-1], done(assistant("Hello", "msg_2")))
    )
    assert chat.open().send().bubbles == HELLO
    assert chat.violations


@pytest.mark.parametrize(
    "hidden",
    [
        item("hidden_context_item", "hid", content="secret"),
        item("sdk_hidden_context", "hid", content="secret"),
        item("something_new", "hid", content="secret"),
    ],
)
@pytest.mark.parametrize("wrap", [added, done])
def test_hidden_and_unknown_items(chat, backend, hidden, wrap):
    backend.on("threads.create", first_turn(wrap(hidden), done(assistant("Hello"))))
    assert chat.open().send().bubbles == HELLO
    assert "secret" not in chat.text
    assert chat.violations


def test_removed_and_replaced(chat, backend):
    backend.on(
        "threads.create",
        first_turn(
            done(assistant("One", "a")),
            done(assistant("Two", "b")),
            {"type": "thread.item.removed", "item_id": "a"},
            {"type": "thread.item.replaced", "item": assistant("Hello", "b")},
            {"type": "thread.item.replaced", "item": assistant("Nobody", "c")},
            {"type": "thread.item.removed", "item_id": "c"},
        ),
    )
    assert chat.open().send().bubbles == HELLO
    assert chat.violations == []


def test_extra_keys_are_tolerated_and_reported(chat, backend):
    backend.on("threads.create", first_turn(done({**assistant("Hello"), "mood": "good"})))
    assert chat.open().send().bubbles == HELLO
    assert chat.violations == ["threads.create: item.mood is no key of this kind"]


def test_raw_html_is_text_and_links_have_no_address(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("<b>raw</b> [go](javascript:alert(1))"))))
    chat.open().send()
    assert "<b>raw</b>" in chat.bubbles[1][1]
    assert chat.page.locator("article [href]").count() == 0


# What is loaded


def test_array_order_counts(chat, backend):
    backend.on("threads.get_by_id", answer(thread(user("hi"), assistant("One", "b"), assistant("Two", "a"))))
    assert chat.open(initialThread="thr_1").bubbles == [("user", "hi"), ("assistant", "One|Two")]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (answer({"message": "Not found"}, 404), "Failed to load initial thread: Not found"),
        (answer({}), "Failed to load initial thread: Cannot read properties of undefined (reading 'data')"),
        (
            Reply("<h1>Log in</h1>", content_type="text/html"),
            "Failed to load initial thread: Cannot read properties of undefined (reading 'data')",
        ),
        (
            answer(thread({key: value for key, value in user("hi").items() if key != "attachments"})),
            "Failed to load initial thread: Cannot read properties of undefined (reading 'filter')",
        ),
    ],
    ids=["404", "{}", "login page", "no attachments"],
)
def test_initial_thread_that_cannot_be_shown(chat, backend, reply, message):
    backend.on("threads.get_by_id", reply)
    chat.open(initialThread="thr_1")
    assert chat.errors == [("InitialThreadLoadError", message)]
    assert chat.is_start_screen
    assert chat.events("thread.change") == [{"threadId": None}]


def test_missing_annotations_in_a_stored_message(chat, backend):
    backend.on(
        "threads.get_by_id", answer(thread(assistant("", content=[{"type": "output_text", "text": "Hello"}])))
    )
    chat.open(initialThread="thr_1")
    assert "Something went wrong. Please try again later." in chat.text


@pytest.mark.parametrize(
    "reply", [answer({}), Reply("<h1>Log in</h1>", content_type="text/html")], ids=["{}", "html"]
)
def test_history_without_data_blanks_everything(chat, backend, reply):
    backend.on("threads.list", reply)
    chat.open()
    assert chat.is_start_screen
    chat.click("Conversation history")
    chat.settle()
    assert chat.is_blank


def test_history_that_is_forbidden(chat, backend):
    backend.on("threads.list", answer({"message": "No"}, 403))
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    chat.open()
    chat.click("Conversation history")
    chat.settle()
    assert {name for name, _ in chat.errors} == {"HistoryViewError"}
    assert len(backend.of("threads.list")) == 2
    chat.click("Close history")
    assert chat.send().bubbles == HELLO


def test_whole_parts(chat, backend):
    """Several parts, annotations that come later, a part that is corrected at the end."""
    source = {"type": "url", "title": "Example", "url": "https://example.com"}
    note = {"type": "annotation", "source": source}
    whole = [{**part("Hello"), "annotations": [note]}]
    backend.on(
        "threads.create",
        first_turn(
            added(item("assistant_message", "msg_a", content=[])),
            update("msg_a", "assistant_message.content_part.added", content_index=0, content=part("")),
            delta("msg_a", "Hel"),
            delta("msg_a", "lo"),
            update(
                "msg_a",
                "assistant_message.content_part.annotation_added",
                content_index=0,
                annotation_index=0,
                annotation=note,
            ),
            done(assistant("", content=whole)),
            CANCELLABLE,
        ),
    )
    chat.open().send()
    assert chat.page.locator(".sources").inner_text().split() == ["1", "Example"]
    assert chat.violations == []
