"""Stricter than the real element: what is odd is told, even where it can be shown."""

import pytest

from tests.standin.harness import (
    Reply,
    added,
    answer,
    assistant,
    delta,
    done,
    first_turn,
    item,
    stream,
    streamed,
    thread,
    update,
    user,
)

pytestmark = pytest.mark.browser

CALL = item("client_tool_call", "tc", status="pending", call_id="c", name="get", arguments={})
IMAGE = {"id": "a", "type": "image", "name": "p.png", "mime_type": "image/png", "preview_url": "/p.png"}

ODD = {
    "unknown event": ([{"type": "thread.message.created"}], 'type "thread.message.created" is unknown'),
    "unknown item": ([done(item("poem", "p"))], 'item.type "poem" is unknown'),
    "unknown update": (
        [*streamed("Hello")[:1], update("msg_a", "poem"), done(assistant("Hello"))],
        'update.type "poem" is unknown',
    ),
    "extra key": ([{**done(assistant("Hello")), "seq": 1}], "seq is no key of this kind"),
    "wrong type": ([{"type": "progress_update", "text": 7}], "text is 7 and not of type string"),
    "wrong choice": ([{"type": "notice", "level": "loud", "message": "x"}], 'level is "loud"'),
    "no created_at": (
        [done({key: value for key, value in assistant("x").items() if key != "created_at"})],
        "item.created_at is missing",
    ),
    "odd created_at": (
        [done(assistant("x", created_at="yesterday"))],
        'item.created_at is no date: "yesterday"',
    ),
    "other thread": ([done(assistant("x", thread_id="thr_2"))], "item msg_a is of thread thr_2"),
    "id used twice": ([done(assistant("x")), done(assistant("y"))], "id msg_a is used a second time"),
    "delta before added": (
        [delta("msg_a", "x"), done(assistant("x"))],
        "update of msg_a, which was not added",
    ),
    "never done": (streamed("Hello")[:-1], "item msg_a was added and never done"),
    "after the error": (
        [{"type": "error", "code": "custom"}, done(assistant("x"))],
        "thread.item.done after the error",
    ),
    "hidden": (
        [
            added(item("hidden_context_item", "h", content="x")),
            done(item("hidden_context_item", "h", content="x")),
        ],
        "hidden_context_item h must not reach the browser",
    ),
    "relative preview": (
        [done(user("x", "msg_u2", attachments=[IMAGE]))],
        "the preview_url of a is relative",
    ),
    "after a tool call": (
        [done(CALL), done(item("end_of_turn", "e"))],
        "thread.item.done after a pending client tool call",
    ),
    "tool call twice": (
        [added(CALL), done(CALL)],
        "client tool call tc was sent twice, so its handler runs twice",
    ),
}


@pytest.mark.parametrize(("events", "violation"), ODD.values(), ids=ODD)
def test_odd_events_are_told(chat, backend, events, violation):
    backend.on("threads.create", first_turn(*events)).on("threads.add_client_tool_output", stream())
    chat.open("{ tool: () => ({}) }", onClientTool={"fn": "tool"}).send()
    assert f"threads.create: {violation}" in chat.violations


@pytest.mark.parametrize(
    ("line", "violation"),
    [
        ("id: 7\n", "unexpected line in the stream: id: 7"),
        ('{"type": "notice"}\n', 'unexpected line in the stream: {"type": "notice"}'),
        ("data: [DONE]\n\n", "not JSON in the stream: [DONE]"),
    ],
)
def test_odd_lines_are_told(chat, backend, line, violation):
    backend.on("threads.create", first_turn(line, done(assistant("Hello"))))
    chat.open().send()
    assert chat.violations == [violation]


@pytest.mark.parametrize("reply", [answer({}, 403), answer({}, 500), Reply("<p>", content_type="text/html")])
def test_streams_that_are_none_are_told(chat, backend, reply):
    backend.on("threads.create", reply)
    chat.open().send()
    assert chat.violations == [
        f"threads.create was answered with {reply.status} and content type {reply.content_type}"
    ]


@pytest.mark.parametrize(
    ("wire", "violation"),
    [
        (thread(user("hi"), metadata={}, mood="good"), "threads.get_by_id: mood is no key of this kind"),
        (
            thread(item("sdk_hidden_context", "h", content="x")),
            "threads.get_by_id: sdk_hidden_context h must not reach the browser",
        ),
        (thread(user("hi"), user("hi")), "threads.get_by_id: id msg_u occurs twice"),
        (
            thread(user("hi", thread="thr_1", thread_id="thr_2")),
            "threads.get_by_id: item msg_u is of thread thr_2",
        ),
        (thread(id="thr_2"), "threads.get_by_id: asked for thr_1, got thr_2"),
    ],
)
def test_odd_threads_are_told(chat, backend, wire, violation):
    backend.on("threads.get_by_id", answer(wire))
    chat.open(initialThread="thr_1")
    assert violation in chat.violations


# What functions of the page return


@pytest.mark.parametrize(
    ("typed", "function", "violation"),
    [
        (
            "@",
            "async () => [{ id: 'a' }]",
            "onTagSearch returned: Invalid input: expected string, received undefined",
        ),
        (
            "@",
            "async () => [{ id: 'a', title: 'A', data: { n: 1 } }]",
            "onTagSearch returned: Invalid input: expected",
        ),
        (
            "@",
            "async () => [{ id: 'a', title: 'A', url: '/' }]",
            'onTagSearch returned: Unrecognized key: "url"',
        ),
        ("@", "async () => null", "onTagSearch returned: Invalid input: expected array, received null"),
        (
            "/",
            "async () => [{ id: 'a', label: 'A', does: {} }]",
            'onSearch returned: Unrecognized key: "does"',
        ),
        ("/", "async () => [{ id: 'a', label: 'A', icon: 'truck' }]", "onSearch returned: Invalid input"),
    ],
)
def test_odd_mentions_and_commands_are_told(chat, typed, function, violation):
    chat.open(
        f"{{ tags: {function}, search: {function} }}",
        entities={"onTagSearch": {"fn": "tags"}},
        commands={"enabled": True, "onSearch": {"fn": "search"}},
    )
    chat.page.get_by_role("textbox").click()
    chat.page.keyboard.type(typed)
    chat.until("el.violations.length > 0")
    assert chat.violations[0].startswith(violation)
    assert chat.page.locator(".editor-menu [role=option]").count() == 0


# What was on the screen is there after a reload


@pytest.mark.parametrize(
    ("stored", "violation"),
    [
        ([user("hi"), assistant("Hello")], None),
        ([user("hi"), assistant("Hello"), assistant("From elsewhere", "msg_b")], None),
        ([user("hi")], "reload: item msg_a is gone"),
        ([user("hi"), assistant("Hullo")], "reload: item msg_a differs"),
        ([assistant("Hello"), user("hi")], "reload: the order was msg_u,msg_a and is msg_a,msg_u"),
        ([user("hi", "other"), assistant("Hello")], "reload: item msg_u is gone"),
    ],
    ids=["same", "more", "lost", "changed", "turned around", "another id"],
)
def test_reload(chat, backend, stored, violation):
    backend.on("threads.create", first_turn(*streamed("Hello")))
    backend.on("threads.get_by_id", answer(thread(*stored)))
    chat.open().send()
    assert chat.violations == []
    chat.reload(initialThread="thr_1")
    if violation is None:
        assert chat.violations == []
    else:
        assert chat.violations[0].startswith(violation)


def test_reload_after_a_stop_may_differ(chat, backend):
    """The server may have heard more, or less, of the answer than the page."""
    backend.on("threads.create", first_turn(*streamed("Hello you")[:-2], hold=3))
    backend.on("threads.get_by_id", answer(thread(user("hi"), assistant("Hello"))))
    chat.open()
    chat.write("hi")
    chat.click("Send message")
    chat.page.get_by_text("Hello").wait_for()
    chat.click("Stop response")
    chat.settle()
    assert chat.reload(initialThread="thr_1").violations == []


def test_comparison_can_be_switched_off(chat, backend):
    backend.on("threads.create", first_turn(*streamed("Hello")))
    backend.on("threads.get_by_id", answer(thread(user("hi"))))
    chat.open().send()
    chat.visit()
    chat.page.evaluate("el.setAttribute('live-vs-reload', 'off')")
    assert chat.set(initialThread="thr_1").violations == []


def test_completed_tool_calls_are_the_same_after_a_reload(chat, backend):
    backend.on("threads.create", first_turn(done(CALL)))
    backend.on("threads.add_client_tool_output", stream(done(assistant("Thanks"))))
    backend.on(
        "threads.get_by_id",
        answer(thread(user("hi"), {**CALL, "status": "completed", "output": {}}, assistant("Thanks"))),
    )
    chat.open("{ tool: () => ({}) }", onClientTool={"fn": "tool"}).send()
    assert chat.reload(initialThread="thr_1").violations == []
