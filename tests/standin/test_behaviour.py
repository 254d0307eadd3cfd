"""What people and host pages can do with the stand-in, and in which order they hear of it."""

import pytest

from tests.standin.harness import (
    CANCELLABLE,
    CREATED,
    OPTIONS,
    added,
    answer,
    assistant,
    delta,
    done,
    first_turn,
    fn,
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
SLOW = first_turn(*streamed("Hello")[:-2], hold=3)
"""An answer that is not finished for three seconds."""


@pytest.fixture
def talking(chat, backend):
    """A chat in the middle of an answer."""
    backend.on("threads.create", SLOW)
    chat.open()
    begin(chat)
    return chat


def begin(chat, text="hi"):
    chat.write(text)
    chat.page.keyboard.press("Enter")
    chat.page.get_by_text("Hello").wait_for()


@pytest.fixture
def stored(chat, backend):
    """A chat with a conversation."""
    backend.on(
        "threads.get_by_id",
        lambda body: {
            "thr_1": answer(thread(user("hi"), assistant("Hello"), title="First")),
            "thr_2": answer(thread(user("hey", thread="thr_2"), id="thr_2", title="Second")),
        }.get(body["params"]["thread_id"], answer({"message": "Not found"}, 404)),
    )
    rows = [thread(title="First"), thread(id="thr_2", title="Second")]
    backend.on("threads.list", answer({"data": rows, "has_more": False}))
    return chat.open(initialThread="thr_1")


# Stop


def test_stop_keeps_what_is_there(talking):
    talking.click("Stop response")
    talking.settle()
    assert talking.bubbles == HELLO
    assert talking.events() == ["response.start", "thread.change", "response.stop", "response.end"]
    assert talking.violations == []
    assert talking.button("Send message").is_visible()
    assert talking.errors == []


def test_stop_sends_nothing(talking, backend):
    talking.click("Stop response")
    talking.settle()
    assert [request["type"] for request in backend.requests] == ["threads.list", "threads.create"]


def test_no_stop_where_it_is_not_allowed(chat, backend):
    never = {"type": "stream_options", "stream_options": {"allow_cancel": False}}
    backend.on("threads.create", stream(CREATED, done(user("hi")), never, *streamed("Hello")[:-2], hold=2))
    chat.open()
    begin(chat)
    assert not chat.button("Stop response").is_visible()
    chat.write("more")
    assert chat.button("Send message").is_disabled()


def test_stop_before_there_is_a_thread(chat, backend):
    backend.on("threads.create", stream(": wait\n\n", hold=3))
    chat.open()
    chat.write("hi")
    chat.page.keyboard.press("Enter")
    chat.click("Stop response")
    chat.settle()
    assert chat.is_start_screen
    assert chat.errors == []


# Two things at once


def test_busy(talking):
    assert (
        talking.call("sendUserMessage", {"text": "x"})
        == "ChatKit: sendUserMessage() ignored - already responding."
    )
    assert (
        talking.call("sendCustomAction", {"type": "x"})
        == "ChatKit: sendAction() ignored - already responding."
    )
    assert talking.call("setComposerValue", {"text": "later"}) == ""
    assert talking.call("showHistory") == ""
    assert talking.call("hideHistory") == ""


def test_empty_message(chat):
    chat.open()
    assert (
        chat.call("sendUserMessage", {"text": "  "}) == "ChatKit: sendUserMessage() ignored - message empty."
    )
    assert chat.button("Send message").is_disabled()


def test_an_answer_goes_on_while_another_thread_is_shown(talking):
    assert talking.call("setThreadId", None) == ""
    assert talking.is_start_screen
    assert talking.call("setThreadId", "thr_1") == ""
    assert talking.bubbles == HELLO
    assert talking.button("Stop response").is_visible()


# Threads


def test_set_thread_id(stored, backend):
    assert stored.call("setThreadId", "thr_2") == ""
    assert stored.bubbles == [("user", "hey")]
    assert stored.events()[2:] == ["thread.change", "thread.load.start", "thread.load.end"]
    assert stored.call("setThreadId", "thr_1") == ""
    assert stored.bubbles == HELLO
    assert len(backend.of("threads.get_by_id")) == 2
    assert stored.call("setThreadId", None) == ""
    assert stored.is_start_screen


def test_set_thread_id_that_is_not_there(stored):
    assert stored.call("setThreadId", "thr_9") == "Not found"
    assert stored.bubbles == HELLO
    assert stored.events("thread.change")[-1] == {"threadId": "thr_1"}


def test_history(stored):
    stored.click("Conversation history")
    assert stored.page.locator(".history-row").all_inner_texts() == ["First", "Second"]
    stored.click("Second")
    stored.page.get_by_text("hey").wait_for()
    stored.settle()
    assert [name for name in stored.events() if name.startswith("history")] == [
        "history.open",
        "history.close",
    ]
    assert stored.page.locator(".thread-title").inner_text() == "Second"
    assert stored.violations == []


def test_history_by_keyboard(stored):
    stored.button("Conversation history").focus()
    stored.page.keyboard.press("Enter")
    stored.button("Close history").focus()
    stored.page.keyboard.press("Escape")
    assert stored.page.locator(".history-row").count() == 0
    stored.click("New chat")
    assert stored.is_start_screen


def test_history_without_rename_and_delete(chat, backend):
    backend.on("threads.list", answer({"data": [thread()], "has_more": False}))
    chat.open(history={"showDelete": False, "showRename": False})
    chat.click("Conversation history")
    assert chat.page.locator(".history-row").inner_text() == "New thread"
    assert chat.page.locator(".history-row button").count() == 1


def test_dialogs_can_be_left(stored, backend):
    stored.click("Conversation history")
    for name in ("Rename", "Delete"):
        stored.page.locator("[data-thread-id=thr_1]").get_by_role("button", name=name).click()
        stored.click("Cancel")
    assert not backend.of("threads.update")
    assert not backend.of("threads.delete")


def test_fetch_updates(stored, backend):
    backend.on("threads.get_by_id", answer(thread(user("hi"), assistant("Corrected"))))
    assert stored.call("fetchUpdates") == ""
    assert stored.bubbles == [("user", "hi"), ("assistant", "Corrected")]
    assert stored.violations == []


def test_locked_and_closed(chat, backend):
    backend.on(
        "threads.get_by_id", answer(thread(user("hi"), status={"type": "locked", "reason": "On hold"}))
    )
    chat.open(initialThread="thr_1")
    editor = chat.page.get_by_role("textbox")
    assert editor.get_attribute("aria-disabled") == "true"
    assert editor.get_attribute("aria-label") == "On hold"
    backend.on("threads.get_by_id", answer(thread(user("hi"), status={"type": "closed", "reason": "Solved"})))
    chat.call("fetchUpdates")
    assert chat.page.get_by_role("textbox").count() == 0
    assert "Solved" in chat.text


def test_thread_updated(chat, backend):
    told = {
        "type": "thread.updated",
        "thread": thread(title="Orders", status={"type": "closed", "reason": "Solved"}),
    }
    backend.on("threads.create", first_turn(done(assistant("Hello")), told))
    chat.open().send()
    assert chat.page.locator(".thread-title").inner_text() == "Orders"
    assert "Solved" in chat.text
    chat.click("Conversation history")
    assert chat.page.locator(".history-row").all_inner_texts() == ["Orders"]


# What comes in a stream


def test_progress_is_replaced_by_the_next_item(chat, backend):
    events = [{"type": "progress_update", "text": "Searching", "icon": "search"}, done(assistant("Hello"))]
    backend.on("threads.create", first_turn(*events, pause=1))
    chat.open()
    chat.write("hi")
    chat.page.keyboard.press("Enter")
    chat.page.get_by_text("Searching").wait_for()
    chat.page.get_by_text("Hello").wait_for()
    chat.settle()
    assert "Searching" not in chat.text


def test_notice_effect_and_error_with_retry(chat, backend):
    backend.on(
        "threads.create",
        first_turn(
            {"type": "notice", "level": "warning", "title": "Careful", "message": "**Almost** there"},
            {"type": "client_effect", "name": "confetti", "data": {"n": 1}},
            {"type": "error", "code": "custom", "message": "Quota", "allow_retry": True},
        ),
    )
    backend.on("threads.retry_after_item", stream(done(assistant("Hello"))))
    chat.open().send()
    assert chat.page.locator(".notice").inner_text().split() == ["Careful", "Almost", "there"]
    assert chat.events("effect") == [{"name": "confetti", "data": {"n": 1}}]
    chat.click("Retry")
    chat.page.get_by_text("Hello").wait_for()
    chat.settle()
    assert chat.bubbles == HELLO
    assert chat.page.get_by_role("alert").count() == 0


def test_reasoning(chat, backend):
    work = item("workflow", "wf", workflow={"type": "reasoning", "tasks": [], "expanded": False})
    thought = {"type": "thought", "content": "Hm", "status_indicator": "none"}
    ready = {
        **work,
        "workflow": {
            "type": "reasoning",
            "tasks": [{**thought, "content": "Hmm"}],
            "summary": {"duration": 3},
            "expanded": False,
        },
    }
    backend.on(
        "threads.create",
        first_turn(
            added(work),
            update("wf", "workflow.task.added", task_index=0, task=thought),
            update("wf", "workflow.task.updated", task_index=0, task={**thought, "content": "Hmm"}),
            done(ready),
            *streamed("Hello"),
        ),
    )
    chat.open().send()
    assert chat.bubbles[1] == ("assistant", "Thought for 3sHmm|Hello")
    assert chat.violations == []


def test_tasks_and_images(chat, backend):
    search = {
        "type": "web_search",
        "title": "Looked",
        "queries": ["orders"],
        "sources": [{"type": "url", "title": "Example", "url": "https://example.com"}],
    }
    pixel = "data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="
    image = {"id": "i", "url": pixel}
    backend.on(
        "threads.create",
        first_turn(
            done(item("task", "t", task=search)),
            added(item("generated_image", "g")),
            update("g", "generated_image.updated", image=image, progress=0.5),
            done(item("generated_image", "g", image=image)),
        ),
    )
    chat.open().send()
    assert chat.bubbles[1][1].startswith("LookedordersExample")
    assert chat.page.locator("img.generated").get_attribute("src") == pixel
    assert chat.violations == []


def test_streamed_widget(chat, backend):
    card = {
        "type": "Card",
        "children": [
            {"type": "Text", "id": "t", "value": "", "streaming": True},
            {"type": "Badge", "id": "b", "label": "Open"},
        ],
    }
    final = {
        "type": "Card",
        "children": [
            {"type": "Text", "id": "t", "value": "Hello"},
            {"type": "Badge", "id": "b", "label": "Done"},
        ],
    }
    backend.on(
        "threads.create",
        first_turn(
            added(item("widget", "w", widget=card)),
            update("w", "widget.streaming_text.value_delta", component_id="t", delta="Hel", done=False),
            update("w", "widget.streaming_text.value_delta", component_id="t", delta="lo", done=True),
            update(
                "w",
                "widget.component.updated",
                component_id="b",
                component={"type": "Badge", "id": "b", "label": "Done"},
            ),
            update("w", "widget.root.updated", widget=final),
            done(item("widget", "w", widget=final)),
        ),
    )
    assert chat.open().send().bubbles == [("user", "hi"), ("assistant", "HelloDone")]
    assert chat.violations == []


def test_unknown_component_is_marked(chat, backend):
    odd = {
        "type": "Card",
        "children": [{"type": "Hologram", "children": [{"type": "Text", "value": "inside"}]}],
    }
    backend.on("threads.create", first_turn(done(item("widget", "w", widget=odd))))
    chat.open().send()
    assert chat.page.locator("[data-unsupported=Hologram]").inner_text().split() == ["[Hologram]", "inside"]
    assert chat.violations == ["widget component Hologram is unknown"]


def test_links(chat, backend):
    backend.on(
        "threads.create",
        first_turn(
            done(
                assistant(
                    "[go](chatkit-link://order?id=7) [bad](javascript:document.title='hacked') [web](https://example.com/)"
                )
            )
        ),
    )
    chat.open().send()
    chat.page.evaluate("void (window.open = (url) => { window.opened = [...(window.opened ?? []), url]; })")
    for name in ("go", "bad", "web"):
        chat.page.get_by_role("link", name=name).click()
    assert chat.events("deeplink") == [{"name": "order", "data": {"id": "7"}}]
    assert chat.page.evaluate("opened") == ["https://example.com/"]
    assert chat.page.title() == "Stand-in"


# The composer and the start screen


def test_prompts_and_header(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    chat.open(
        "{ menu: () => { window.clicked = true; } }",
        startScreen={
            "greeting": "Hi there",
            "prompts": [{"label": "Greet", "prompt": "hi", "icon": "sparkle"}],
        },
        header={"title": {"text": "Shop"}, "leftAction": {"icon": "menu", "onClick": fn("menu")}},
        composer={"models": [{"id": "m", "label": "M"}]},
        disclaimer={"text": "May be **wrong**"},
    )
    chat.click("menu")
    assert chat.page.evaluate("clicked") is True
    chat.click("Greet")
    chat.page.get_by_text("Hello").wait_for()
    assert backend.bodies("threads.create")[0]["params"]["input"]["inference_options"] == {"model": "m"}
    assert chat.page.locator(".thread-title").inner_text() == "Shop"
    assert "May be wrong" in chat.text
    assert "ChatKit stand-in" in chat.text


def test_keys_of_the_composer(chat, backend):
    backend.on(
        "threads.create", lambda body: first_turn(done(user("", content=body["params"]["input"]["content"])))
    )
    chat.open()
    assert chat.call("focusComposer") == ""
    chat.page.keyboard.type("one")
    chat.page.keyboard.press("Shift+Enter")
    chat.page.keyboard.type("two")
    chat.page.keyboard.press("Enter")
    chat.page.locator("article").wait_for()
    assert backend.bodies("threads.create")[0]["params"]["input"]["content"] == [
        {"type": "input_text", "text": "one\ntwo"}
    ]
    assert chat.page.get_by_role("textbox").inner_text().strip() == ""


def test_set_composer_value_and_tools(chat, backend):
    backend.on("threads.create", first_turn())
    tools = [
        {
            "id": "keep",
            "label": "Keep",
            "icon": "star",
            "persistent": True,
            "pinned": True,
            "placeholderOverride": "Keep what?",
        },
        {"id": "once", "label": "Once", "icon": "bolt"},
    ]
    chat.open(
        composer={
            "tools": tools,
            "models": [{"id": "a", "label": "A"}, {"id": "b", "label": "B", "default": True}],
        }
    )
    content = [
        {"type": "input_text", "text": "see "},
        {"type": "input_tag", "id": "d", "text": "Doc", "data": {}},
    ]
    assert (
        chat.call(
            "setComposerValue",
            {"content": content, "reply": "before", "selectedToolId": "keep", "selectedModelId": "a"},
        )
        == ""
    )
    assert chat.page.get_by_role("textbox").get_attribute("aria-label") == "Keep what?"
    chat.click("Send message")
    chat.settle()
    sent = backend.bodies("threads.create")[0]["params"]["input"]
    assert sent["content"] == [*content[:1], {"type": "input_tag", "text": "Doc", "id": "d", "data": {}}]
    assert sent["quoted_text"] == "before"
    assert sent["inference_options"] == {"model": "a", "tool_choice": {"id": "keep"}}
    assert chat.events("tool.change") == [{"toolId": "keep"}]
    chat.call("setComposerValue", {"selectedToolId": None})
    assert chat.events("tool.change")[-1] == {"toolId": None}


def test_send_user_message(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    backend.on("threads.add_user_message", stream(done(user("again", "msg_u2"))))
    chat.open(composer={"models": [{"id": "a", "label": "A"}]})
    assert chat.call("sendUserMessage", {"text": "hi", "toolChoice": {"id": "t"}, "model": "z"}) == ""
    assert (
        chat.call(
            "sendUserMessage",
            {
                "text": "again",
                "reply": "Hello",
                "attachments": [{"type": "file", "id": "atc_1", "name": "a", "mime_type": "text/plain"}],
            },
        )
        == ""
    )
    assert chat.call("sendUserMessage", {"text": "new", "newThread": True}) == ""
    first, third = backend.bodies("threads.create")
    (second,) = backend.bodies("threads.add_user_message")
    assert first["params"]["input"]["inference_options"] == {"model": "z", "tool_choice": {"id": "t"}}
    assert second["params"]["input"]["quoted_text"] == "Hello"
    assert second["params"]["input"]["attachments"] == ["atc_1"]
    assert third["params"]["input"]["content"] == [{"type": "input_text", "text": "new"}]


COMMANDS = """{ search: async (query) => [
    { id: "c1", label: "Insert order", group: "Shop" }, { id: "c2", label: "More" },
    { id: "c3", label: "Beep" }]
    .filter(({ label }) => label.toLowerCase().includes(query.toLowerCase())),
  select: async ({ id }) => { (window.selected ??= []).push(id);
    if (id === "c1" || id === "c4") return { type: "entity", entity: { id: "o1", title: "Order 1" } };
    if (id === "c2") return { type: "menu", commands: [{ id: "c4", label: "Deep" }] }; },
  tags: async () => [] }"""


def test_commands(chat):
    chat.open(
        COMMANDS,
        commands={"enabled": True, "onSearch": fn("search"), "onSelect": fn("select")},
        composer={"tools": [{"id": "t", "label": "Inspect", "icon": "search"}]},
    )
    editor = chat.page.get_by_role("textbox")
    option = chat.page.get_by_role("option")
    editor.click()
    chat.page.keyboard.type("/ins")
    option.first.wait_for()
    assert [text.strip() for text in option.all_inner_texts()] == ["Insert order", "Inspect"]
    option.first.click()
    chat.page.locator(".editor .entity").wait_for()
    editor.fill("")
    chat.page.keyboard.type("/more")
    chat.page.get_by_role("option", name="More").click()
    chat.page.get_by_role("option", name="Deep").click()
    chat.page.locator(".editor .entity").wait_for()
    editor.fill("")
    chat.page.keyboard.type("/beep")
    chat.page.get_by_role("option", name="Beep").click()
    chat.until("selected.length === 4")
    assert editor.inner_text().strip() == ""
    chat.page.keyboard.type("/insp")
    chat.page.get_by_role("option", name="Inspect").wait_for()
    chat.page.keyboard.press("Escape")
    assert option.count() == 0
    assert chat.page.evaluate("selected") == ["c1", "c2", "c4", "c3"]


def test_mention_button(chat):
    chat.open(
        "{ tags: async () => [{ id: 'a', title: 'Alpha' }] }",
        entities={"onTagSearch": fn("tags"), "showComposerMenu": True},
    )
    chat.click("Mention")
    chat.page.get_by_role("option", name="Alpha").click()
    assert chat.page.locator(".editor .entity").inner_text() == "Alpha"


# The element in its page


def test_two_elements(chat, backend):
    backend.on("threads.create", first_turn(done(assistant("Hello"))))
    chat.open()
    chat.page.evaluate(
        """options => {
        const other = document.body.appendChild(document.createElement("openai-chatkit"));
        other.setOptions({ ...options, startScreen: { greeting: "The other" } });
    }""",
        OPTIONS,
    )
    chat.page.get_by_text("The other").wait_for(state="attached")
    chat.page.get_by_role("textbox").first.fill("hi")
    chat.button("Send message").first.click()
    chat.page.get_by_text("Hello").wait_for()
    ids = {request["headers"]["chatkit-frame-instance-id"] for request in backend.requests}
    assert len(ids) == 2


def test_removed_in_the_middle_of_an_answer(talking, backend):
    before = len(talking.seen)
    talking.page.evaluate("el.remove()")
    talking.page.wait_for_timeout(100)
    assert len(talking.seen) == before


def test_options_before_the_page(chat, backend):
    chat.visit()
    chat.page.evaluate(
        """options => {
        el.remove();
        const other = document.createElement("openai-chatkit");
        other.setOptions(options);
        document.body.append(other);
    }""",
        OPTIONS,
    )
    chat.page.get_by_text("What can I help with today?").wait_for(state="attached")


def test_without_height_there_is_nothing_to_see(chat):
    chat.backend.csp = "script-src 'self'; style-src 'unsafe-inline'"
    chat.visit()
    chat.page.evaluate("el.shadowRoot.adoptedStyleSheets = []")
    chat.set()
    assert chat.page.evaluate("el.frame.clientHeight") == 0


def test_autoscroll(chat, backend):
    long = "\n\n".join(f"Line {number}" for number in range(60))
    backend.on(
        "threads.create",
        first_turn(
            added(item("assistant_message", "msg_a", content=[])),
            update("msg_a", "assistant_message.content_part.added", content_index=0, content=part("")),
            *[delta("msg_a", f"{line}\n") for line in long.split("\n")],
            done(assistant(long)),
            CANCELLABLE,
            pause=0.005,
        ),
    )
    chat.open(thread={"autoScroll": True}).send()
    below = "(({ scrollTop, scrollHeight, clientHeight }) => scrollHeight - scrollTop - clientHeight)"
    assert chat.page.evaluate(f"{below}(el.ui.querySelector('.main'))") < 90


def test_a_long_start_screen_is_read_from_its_top(chat):
    prompts = [{"label": f"Prompt {number}", "prompt": "Hi"} for number in range(40)]
    chat.open(thread={"autoScroll": True}, startScreen={"greeting": "Hello", "prompts": prompts})
    scrolled = "(({ scrollTop, scrollHeight, clientHeight }) => [scrollTop, scrollHeight > clientHeight])"
    assert chat.page.evaluate(f"{scrolled}(el.ui.querySelector('.main'))") == [0, True]
