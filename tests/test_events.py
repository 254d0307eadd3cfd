"""Every event, every item and every update of ChatKit goes from a server to the page and into the store."""

from datetime import datetime
from typing import get_args

import pytest

from django_chatkit import events
from django_chatkit.models import Thread
from django_chatkit.server import DjangoChatKitServer, TextServer
from django_chatkit.testing import override_servers

from chatkit import types, widgets

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 1, 2, 3, 4, 5)
PICTURE = "https://example.com/cat.png"


class Script(DjangoChatKitServer):
    """Yields what a test wants."""

    script = ()

    async def respond(self, thread, input_user_message, context):
        for event in self.script:
            if item := getattr(event, "item", None):
                item.thread_id = thread.id
            yield event

    def get_allowed_image_domains(self, context):
        return ["example.com"]


def item(kind, **fields):
    return kind(id="item_1", thread_id="", created_at=WHEN, **fields)


def message(*texts):
    parts = [types.AssistantMessageContent(text=text) for text in texts]
    return item(types.AssistantMessageItem, content=parts)


def card(text):
    return item(types.WidgetItem, widget=widgets.Card(children=[widgets.Markdown(id="words", value=text)]))


def workflow(*tasks):
    return item(types.WorkflowItem, workflow=types.Workflow(type="custom", tasks=tasks))


def task(title, status="none"):
    return types.CustomTask(title=title, status_indicator=status)


def picture(url=None):
    image = types.GeneratedImage(id="img_1", url=url) if url else None
    return item(types.GeneratedImageItem, image=image)


def citation():
    return types.Annotation(source=types.URLSource(title="Source", url="https://example.com/"), index=1)


QUESTION = types.StructuredInputFreeform(id="size", question="Which size?")

# An item as it begins, what happens to it, and the item in the end.
STREAMS = [
    (
        message(),
        [
            types.AssistantMessageContentPartAdded(
                content_index=0, content=types.AssistantMessageContent(text="")
            ),
            types.AssistantMessageContentPartTextDelta(content_index=0, delta="Hi"),
            types.AssistantMessageContentPartAnnotationAdded(
                content_index=0, annotation_index=0, annotation=citation()
            ),
            types.AssistantMessageContentPartDone(
                content_index=0, content=types.AssistantMessageContent(text="Hi", annotations=[citation()])
            ),
        ],
        message("Hi"),
    ),
    (
        card(""),
        [
            types.WidgetStreamingTextValueDelta(component_id="words", delta="Hi", done=True),
            types.WidgetComponentUpdated(
                component_id="words", component=widgets.Markdown(id="words", value="Hi")
            ),
            types.WidgetRootUpdated(widget=card("Hi").widget),
        ],
        card("Hi"),
    ),
    (
        workflow(),
        [
            types.WorkflowTaskAdded(task_index=0, task=task("Look", "loading")),
            types.WorkflowTaskUpdated(task_index=0, task=task("Look", "complete")),
        ],
        workflow(task("Look", "complete")),
    ),
    (
        picture(),
        [types.GeneratedImageUpdated(image=types.GeneratedImage(id="img_1", url=PICTURE), progress=0.5)],
        picture(PICTURE),
    ),
    (item(types.TaskItem, task=task("Look")), [], item(types.TaskItem, task=task("Look"))),
    (item(types.EndOfTurnItem), [], item(types.EndOfTurnItem)),
    (
        item(types.StructuredInputItem, inputs=[QUESTION]),
        [],
        item(types.StructuredInputItem, inputs=[QUESTION]),
    ),
    (
        item(types.ClientToolCallItem, call_id="1", name="get_cart", arguments={}),
        [],
        item(types.ClientToolCallItem, call_id="1", name="get_cart", arguments={}),
    ),
]
HIDDEN = [item(types.HiddenContextItem, content="secret"), item(types.SDKHiddenContextItem, content="secret")]


def test_there_is_a_stream_for_every_item_and_update():
    done = [*(done for _, _, done in STREAMS), *HIDDEN]
    assert {type(one) for one in done} | {types.UserMessageItem} == set(
        get_args(get_args(types.ThreadItem)[0])
    )
    seen = {type(update) for _, updates, _ in STREAMS for update in updates}
    assert seen == set(get_args(types.ThreadItemUpdate))


async def say(chat, *script):
    class Now(Script):
        pass

    Now.script = script
    with override_servers(default=Now):
        return await chat.send("go")


@pytest.mark.parametrize(
    ("begun", "updates", "done"), STREAMS, ids=[begun.type for begun, updates, done in STREAMS]
)
async def test_items_and_their_updates(chat, begun, updates, done):
    changes = [
        types.ThreadItemUpdatedEvent(item_id="item_1", update=update.model_copy(deep=True))
        for update in updates
    ]
    started = types.ThreadItemAddedEvent(item=begun.model_copy(deep=True))
    reply = await say(chat, started, *changes, types.ThreadItemDoneEvent(item=done.model_copy(deep=True)))
    assert reply.assert_ok().get(types.ThreadItemAddedEvent).item.type == begun.type
    told = [event.update for event in reply.filter(types.ThreadItemUpdatedEvent)]
    assert [update.model_dump() for update in told] == [update.model_dump() for update in updates]
    assert same(reply.get(type(done)), done)
    assert same((await chat.get_thread(reply.thread_id)).get(type(done)), done)


def same(one, other):
    ours = {"thread_id", "created_at"}
    return one.model_dump(exclude=ours) == other.model_dump(exclude=ours)


@pytest.mark.parametrize("hidden", HIDDEN, ids=[item.type for item in HIDDEN])
async def test_hidden_items_are_kept_from_the_page(chat, hidden):
    reply = await say(chat, types.ThreadItemDoneEvent(item=hidden.model_copy()))
    assert b"secret" not in reply.assert_ok().body
    assert [type(item) for item in (await chat.get_thread(reply.thread_id)).items] == [types.UserMessageItem]
    thread = await Thread.objects.aget()
    assert [item.type async for item in thread.items.order_by("pk")] == ["user_message", hidden.type]


async def test_a_text_with_sources(chat):
    class Librarian(TextServer):
        async def reply(self, message, context):
            yield "Within two days"
            yield events.cite(types.FileSource(filename="terms.pdf", title="Terms"))
            yield "."
            yield events.cite(types.URLSource(url="https://example.com/", title="Web"))

    with override_servers(default=Librarian):
        reply = (await chat.send("When?")).assert_ok()
        [part] = reply.get(types.AssistantMessageItem).content
        assert part.text == "Within two days."
        assert [(note.source.title, note.index) for note in part.annotations] == [("Terms", 15), ("Web", 16)]
        added = [event.update for event in reply.filter(types.ThreadItemUpdatedEvent)]
        notes = [update.annotation for update in added if hasattr(update, "annotation")]
        assert notes == part.annotations
        assert [update.annotation_index for update in added if hasattr(update, "annotation")] == [0, 1]
        assert (await chat.get_thread(reply.thread_id)).items[-1].content == [part]


async def test_items_are_replaced_and_removed(chat):
    replaced = message("Better").model_copy(update={"id": "item_2"})
    reply = await say(
        chat,
        types.ThreadItemDoneEvent(item=message("Gone")),
        types.ThreadItemDoneEvent(item=message("Good").model_copy(update={"id": "item_2"})),
        types.ThreadItemReplacedEvent(item=replaced),
        types.ThreadItemRemovedEvent(item_id="item_1"),
    )
    assert reply.assert_ok().get(types.ThreadItemReplacedEvent).item.content[0].text == "Better"
    assert reply.get(types.ThreadItemRemovedEvent).item_id == "item_1"
    stored = (await chat.get_thread(reply.thread_id)).filter(types.AssistantMessageItem)
    assert [answer.content[0].text for answer in stored] == ["Better"]


async def test_what_is_shown_for_a_moment(chat):
    reply = await say(
        chat,
        events.progress("Looking", icon="search"),
        events.notify("Almost full", "warning", title="Storage"),
        events.effect("blink", {"times": 2}),
    )
    assert reply.assert_ok().get(types.StreamOptionsEvent).stream_options.allow_cancel
    assert reply.get(types.ProgressUpdateEvent).text == "Looking"
    assert reply.get(types.NoticeEvent).level == "warning"
    assert reply.get(types.ClientEffectEvent).data == {"times": 2}
    assert len(await chat.load(reply.thread_id)) == 1
