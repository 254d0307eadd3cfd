"""Buttons and forms: what a stored widget offers reaches its handler, and nothing else does."""

import asyncio
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

from django_chatkit import events
from django_chatkit.actions import ActionRequest, on_action
from django_chatkit.models import Thread, ThreadItem
from django_chatkit.server import DjangoChatKitServer, Refused
from django_chatkit.testing import ChatKitClient

from chatkit import types
from chatkit.errors import CustomStreamError

pytestmark = pytest.mark.django_db
STREAM, SYNC = "threads.custom_action", "threads.sync_custom_action"
BOTH = pytest.mark.parametrize("kind", [STREAM, SYNC])
seen = []


class Cancel(BaseModel):
    number: int = Field(gt=0)


@dataclass
class Rename:
    name: str
    loud: bool = False


class Note(TypedDict):
    text: str


class Base(DjangoChatKitServer):
    page_actions = ("page.go", "page.note")

    async def respond(self, thread, input_user_message, context):
        yield types.ThreadItemDoneEvent(
            item=types.AssistantMessageItem(
                **events.new_item(thread), content=[types.AssistantMessageContent(text="The assistant.")]
            )
        )

    @on_action("go")
    def go(self, action):
        seen.append(("go", action.user.username, action.sender and action.sender.id, action.thread.id))
        return "Gone."

    @on_action("cancel")
    def cancel(self, action: ActionRequest, order: Cancel):
        seen.append(("cancel", order))
        return widget(f"Order {order.number} is cancelled.")

    @on_action("replaced")
    def old(self, action):
        seen.append("old")


class ShopServer(Base):
    @on_action("replaced")
    def new(self, action):
        seen.append("new")

    @on_action("rename")
    async def rename(self, action, what: Rename):
        await asyncio.sleep(0)
        seen.append(("rename", what))
        return widget(what.name)

    @on_action("note")
    async def note(self, action, note: Note):
        seen.append(("note", note))
        yield events.progress("Noting …")
        yield "I "
        yield "noted: "
        yield note["text"]
        yield widget("Noted.")
        yield "More."
        yield events.show(action.thread, widget("Another one."))
        yield "The end."

    @on_action("generate")
    def generate(self, action, payload: dict = {}):  # noqa: B006
        seen.append(("generate", payload))
        yield "Users: "
        yield str(User.objects.count())
        yield None

    @on_action("answer")
    def answer(self, action):
        yield "I ask. "
        yield action.answer()

    @on_action("lock")
    async def lock(self, action):
        events.lock(action.thread, "Done.")

    @on_action("fail")
    def fail(self, action, how: str):
        raise {
            "denied": PermissionDenied("secret"),
            "missing": Http404("secret"),
            "refused": Refused(409, "invalid_request", "Not now."),
            "said": CustomStreamError("Never.", allow_retry=False),
            "broken": ValueError("secret"),
        }[how]

    @on_action("half")
    def half(self, action):
        yield events.show(action.thread, widget("This is stored."))
        raise PermissionDenied

    @on_action("odd")
    def odd(self, action):
        return 3

    @on_action("page.note")
    def page_note(self, action, payload: Note):
        seen.append(("page.note", payload, action.sender))
        return widget(payload["text"])

    @on_action("count")
    async def count(self, action):
        yield self.numbers()

    async def numbers(self):
        try:
            for number in range(1000):
                yield events.progress(f"number {number}")
                await asyncio.sleep(0.01)
        finally:
            seen.append("ended")

    @on_action("write")
    async def write(self, action):
        for number in range(1000):
            yield f"word{number} "
            await asyncio.sleep(0.01)

    @on_action("hide")
    def hide(self, action):
        yield events.remember(action.thread, "secret note")


def widget(text, *children):
    return {"type": "Card", "children": [{"type": "Text", "value": text}, *children]}


def button(type, payload=None, **more):
    action = {"type": type, **more}
    if payload is not None:
        action["payload"] = payload
    return {"type": "Button", "label": "Go", "onClickAction": action}


@pytest.fixture(autouse=True)
def configured(settings):
    settings.CHATKIT_SERVERS = {"default": "tests.test_actions.ShopServer"}
    seen.clear()


async def post(user, *children, copy_text="", **root):
    """A widget in a thread of this person's, and how to press its buttons."""
    thread = await Thread.objects.acreate_for(user)
    item = await thread.apost_widget({**widget("Shown.", *children), **root}, copy_text=copy_text)
    return {"thread_id": thread.thread_id, "item_id": item.item_id}


async def press(chat, where, type, payload=None, kind=STREAM, **more):
    action = {"type": type} if payload is None else {"type": type, "payload": payload}
    return await chat.request(kind, **{**where, "action": action, **more})


async def shown(where):
    item = await ThreadItem.objects.aget(thread_id=where["thread_id"], item_id=where["item_id"])
    return item.text


async def state():
    return [
        (row.pk, row.data, row.thread_id) async for row in ThreadItem.objects.order_by("pk")
    ], await Thread.objects.acount()


# What handlers get, and give


async def test_handler_gets_who_what_and_where(chat, user):
    where = await post(user, button("go"))
    reply = await press(chat, where, "go")
    assert reply.text == "Gone."
    assert seen == [("go", "ann", where["item_id"], where["thread_id"])]
    assert [item["type"] for item in await chat.load(where["thread_id"])] == ["widget", "assistant_message"]


@BOTH
@pytest.mark.parametrize(
    ("type", "payload", "expected"),
    [
        ("cancel", {"number": 7}, Cancel(number=7)),
        ("rename", {"name": "Kettle", "loud": True}, Rename("Kettle", True)),
    ],
)
async def test_one_handler_for_both_requests(chat, user, kind, type, payload, expected):
    where = await post(user, button(type, payload))
    reply = await press(chat, where, type, payload, kind)
    assert seen == [(type, expected)]
    text = await shown(where)
    assert "Shown." not in text
    if kind == SYNC:
        assert "X-ChatKit-Updates" not in reply.response
        assert reply.json["updated_item"]["id"] == where["item_id"]
        assert reply.json["updated_item"]["widget"]["children"][0]["value"] == text
    else:
        assert [event.item.id for event in reply.events if event.type == "thread.item.replaced"] == [
            where["item_id"]
        ]
    loaded = await chat.load(where["thread_id"])
    assert [item["widget"]["children"][0]["value"] for item in loaded] == [text]


@BOTH
async def test_words_for_the_old_widget_go_with_it(chat, user, kind):
    where = await post(user, button("rename", {"name": "Bo"}), copy_text="Order 7: being packed")
    await press(chat, where, "rename", {"name": "Bo"}, kind)
    [loaded] = await chat.load(where["thread_id"])
    assert "copy_text" not in loaded
    row = await ThreadItem.objects.aget(item_id=where["item_id"])
    assert "being packed" not in row.text
    assert "Bo" in row.text


async def test_everything_a_handler_can_yield_in_its_order(chat, user):
    where = await post(user, button("note", {"text": "milk"}))
    reply = await press(chat, where, "note", {"text": "milk"})
    assert not reply.errors
    assert "progress_update" in [event.type for event in reply.events]
    live = [item.id for item in reply.items]
    loaded = await chat.load(where["thread_id"])
    assert [item["id"] for item in loaded] == [where["item_id"], *live]
    assert [item["type"] for item in loaded] == ["widget", "assistant_message", "widget", "assistant_message"]
    assert loaded[1]["content"][0]["text"] == "I noted: milkMore."
    assert loaded[3]["content"][0]["text"] == "The end."


@pytest.mark.parametrize("type", ["generate", "lock"])
async def test_what_a_synchronous_answer_has_no_room_for_is_read_again(chat, user, type):
    """The page's script calls fetchUpdates() then."""
    where = await post(user, button(type))
    reply = await press(chat, where, type, None, SYNC)
    assert reply.json == {}
    assert "X-ChatKit-Updates" in reply.response


@BOTH
@pytest.mark.parametrize("payload", [None, {"a": 1}])
async def test_plain_generator_may_use_the_orm(chat, user, kind, payload):
    where = await post(user, button("generate", payload))
    await press(chat, where, "generate", payload, kind)
    assert seen == [("generate", payload or {})]
    assert (await chat.load(where["thread_id"]))[-1]["content"][0]["text"] == "Users: 1"


async def test_assistant_goes_on(chat, user):
    where = await post(user, button("answer"))
    reply = await press(chat, where, "answer")
    assert reply.text == "I ask. The assistant."
    refused = await press(chat, where, "answer", kind=SYNC)
    assert refused.status == 500


@BOTH
async def test_status_of_the_thread(chat, user, kind):
    where = await post(user, button("lock"))
    reply = await press(chat, where, "lock", kind=kind)
    assert reply.status == 200
    thread = await Thread.objects.aget()
    assert (thread.status, thread.status_reason) == ("locked", "Done.")
    assert (await press(chat, where, "lock", kind=kind)).status == 409


async def stop_at(chat, where, type, word):
    """Press, and leave when a word was read."""
    response = await chat.post({"type": STREAM, "params": {**where, "action": {"type": type}}})
    stream, body = response.stream, b""
    while word not in body:
        body += await anext(stream)
    await stream.aclose()


async def test_what_a_handler_said_is_kept_when_the_reader_leaves(chat, user):
    where = await post(user, button("write"))
    await stop_at(chat, where, "write", b"word3")
    texts = [item.text async for item in ThreadItem.objects.filter(type="assistant_message")]
    assert len(texts) == 1
    assert texts[0].startswith("word0 word1 word2 word3")


async def test_everything_behind_a_handler_ends_when_the_reader_leaves(chat, user):
    where = await post(user, button("count"))
    await stop_at(chat, where, "count", b"number 3")
    assert seen == ["ended"]


async def test_hidden_items_of_a_synchronous_action_stay_behind(chat, user):
    where = await post(user, button("hide"))
    for kind in (STREAM, SYNC):
        assert b"secret" not in (await press(chat, where, "hide", kind=kind)).body
    assert await ThreadItem.objects.filter(type="hidden_context_item").acount() == 2


async def test_subclass_replaces_a_handler(chat, user):
    where = await post(user, button("replaced"))
    await press(chat, where, "replaced")
    assert seen == ["new"]


async def test_page_code_sends_what_is_listed(chat, user):
    where = await post(user)
    thread_id = where["thread_id"]
    reply = await press(chat, {"thread_id": thread_id}, "page.note", {"text": "hi"})
    assert seen == [("page.note", {"text": "hi"}, None)]
    assert reply.items[-1].type == "widget"
    assert (await press(chat, {"thread_id": thread_id}, "cancel", {"number": 1})).status == 400
    assert (await press(chat, {"thread_id": thread_id}, "page.go")).json["code"] == "not_supported"


# Refusals


@BOTH
@pytest.mark.parametrize(
    ("how", "message", "status"),
    [
        ("denied", "You may not", 403),
        ("missing", "could not be found", 404),
        ("refused", "Not now.", 409),
        ("said", "Never.", 400),
        ("broken", "Something went wrong", 500),
    ],
)
async def test_handlers_refuse_as_views_do(chat, user, kind, how, message, status):
    where = await post(user, button("fail", how))
    reply = await press(chat, where, "fail", how, kind)
    assert b"secret" not in reply.body
    if kind == STREAM:
        [error] = reply.errors
        assert message in error.message
        assert error.allow_retry is (how == "broken")
    else:
        assert reply.status == status
        assert message in reply.json["message"]


async def test_what_was_shown_before_a_refusal_is_read_again(chat, user):
    where = await post(user, button("half"))
    reply = await press(chat, where, "half", kind=SYNC)
    assert (reply.status, reply.json["code"]) == (403, "permission_denied")
    assert reply.response["X-ChatKit-Updates"] == "1"
    assert [item["type"] for item in await chat.load(where["thread_id"])] == ["widget", "widget"]
    assert "X-ChatKit-Updates" not in (await press(chat, where, "unknown", kind=SYNC)).response


async def test_handler_that_gives_something_else(chat, user):
    where = await post(user, button("odd"))
    assert len((await press(chat, where, "odd")).errors) == 1


FORGED = {
    "another type": ("cancel", {"number": 7}),
    "a type that nobody knows": ("nothing", None),
    "another payload": ("rename", {"name": "Mug"}),
    "more than the payload": ("rename", {"name": "Kettle", "loud": True}),
    "no payload": ("rename", None),
    "true for one": ("generate", {"a": True}),
    "what lies in a payload": ("deep", None),
}


@BOTH
@pytest.mark.parametrize("what", FORGED)
async def test_what_the_widget_does_not_offer_is_refused(chat, user, kind, what):
    deep = {"onClickAction": {"type": "deep"}, "children": [button("deep")]}
    where = await post(
        user, button("rename", {"name": "Kettle"}), button("generate", {"a": 1}), button("go", deep)
    )
    before = await state()
    type, payload = FORGED[what]
    reply = await press(chat, where, type, payload, kind)
    assert (reply.status, reply.json["code"]) == (400, "invalid_request")
    assert reply.json["message"] == "This action is not available."
    assert seen == []
    assert await state() == before


@BOTH
async def test_somebody_elses_widget_is_not_there(chat, other_chat, user, other_user, kind):
    where = await post(user, button("go"))
    before = await state()
    foreign = await press(other_chat, where, "go", kind=kind)
    unknown = await press(other_chat, {**where, "thread_id": "thr_x"}, "go", kind=kind)
    assert foreign.status == 404
    assert foreign.body == unknown.body
    own = await Thread.objects.acreate_for(other_user)
    assert (await press(other_chat, {**where, "thread_id": own.thread_id}, "go", kind=kind)).status == 404
    assert seen == []
    assert (await state())[0] == before[0]


@BOTH
async def test_offered_payload_of_a_wrong_type(chat, user, kind):
    """The site's own mistake, or a form: it is refused before a stream begins."""
    where = await post(user, button("cancel", {"number": -1}))
    reply = await press(chat, where, "cancel", {"number": -1}, kind)
    assert (reply.status, reply.json["message"]) == (400, "Please check what you entered.")
    assert seen == []


@BOTH
async def test_offered_action_without_a_handler(chat, user, kind):
    where = await post(user, button("nobody"))
    reply = await press(chat, where, "nobody", kind=kind)
    assert (reply.status, reply.json["code"]) == (400, "not_supported")


async def test_widget_that_was_replaced_offers_its_old_actions_no_more(chat, user):
    where = await post(user, button("cancel", {"number": 7}))
    assert (await press(chat, where, "cancel", {"number": 7})).status == 200
    assert (await press(chat, where, "cancel", {"number": 7})).status == 400
    assert len(seen) == 1


async def test_payload_that_is_too_large(chat, user):
    where = await post(user, form({"type": "note"}, {"type": "Input", "name": "text"}))
    reply = await press(chat, where, "note", {"text": "x" * 60_000})
    assert (reply.status, reply.json["code"]) == (413, "message_too_long")


# Forms


def form(action, *fields):
    return {"type": "Form", "onSubmitAction": action, "children": list(fields)}


def field(name, type="Input", **more):
    return {"type": type, "name": name, **more}


@BOTH
async def test_fields_of_a_form_join_its_payload(chat, user, kind):
    action = {"type": "rename", "payload": {"loud": False}}
    where = await post(user, form(action, {"type": "Row", "children": [field("name")]}))
    reply = await press(chat, where, "rename", {"loud": False, "name": "Mug"}, kind)
    assert reply.status == 200
    assert seen == [("rename", Rename("Mug"))]


FORMS = {
    "form": form({"type": "generate", "payload": {"a": 1}}, field("name"), field("b.c")),
    "button in a form": form(
        {"type": "go"}, field("name"), field("b.c"), {"type": "Box", "children": button("generate", {"a": 1})}
    ),
    "card": {
        "asForm": True,
        "confirm": {"label": "Go", "action": {"type": "generate", "payload": {"a": 1}}},
        "children": [field("name"), {"type": "Text", "value": "x", "editable": {"name": "b.c"}}],
    },
    "select": form(
        {"type": "go"},
        field("b.c", onChangeAction={"type": "generate", "payload": {"a": 1}}, type="Select", options=[]),
        field("name"),
    ),
}


@pytest.mark.parametrize("where", FORMS)
@pytest.mark.parametrize(
    ("payload", "status"),
    [
        ({"a": 1, "name": "x", "b": {"c": True}}, 200),
        ({"a": 1}, 200),
        ({"a": 1.0, "name": ""}, 200),
        ({"a": 1, "b": {"c": 1}}, 200),
        ({"a": 2, "name": "x"}, 400),
        ({"name": "x"}, 400),
        ({"a": 1, "other": 1}, 400),
        ({"a": 1, "b": {"c": 1, "d": 2}}, 400),
        ({"a": 1, "b": {"d": 2}}, 400),
        ("x", 400),
        (None, 400),
    ],
)
async def test_all_but_the_fields_must_be_as_it_was_offered(chat, user, where, payload, status):
    shown = FORMS[where]
    at = await post(user, **shown) if "asForm" in shown else await post(user, shown)
    reply = await press(chat, at, "generate", payload)
    assert reply.status == status
    assert len(seen) == (1 if status == 200 else 0)


async def test_field_outside_of_a_form_belongs_to_its_own_action_only(chat, user):
    select = field("size", "Select", onChangeAction={"type": "generate"}, options=[])
    at = await post(user, select, button("generate", {"b": 1}))
    assert (await press(chat, at, "generate", {"size": "M"})).status == 200
    assert (await press(chat, at, "generate", {"b": 1, "size": "M"})).status == 400


# Visitors


async def test_visitors_press_buttons_of_their_own(settings, monkeypatch, db):
    monkeypatch.setattr(ShopServer, "allow_anonymous", True)

    async def respond(self, thread, input_user_message, context):
        yield events.show(thread, widget("Hi.", button("generate")))

    monkeypatch.setattr(ShopServer, "respond", respond)
    chat, other = ChatKitClient(), ChatKitClient()
    reply = await chat.send("hi")
    at = {"thread_id": reply.thread_id, "item_id": reply.items[-1].id}
    await other.send("hi")
    assert (await press(other, at, "generate")).status == 404
    assert (await press(chat, at, "generate")).text == "Users: 0"
