"""DjangoStore: the SDK's contract, owners, order, and what a database refuses."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from asgiref.sync import async_to_sync
from django.db import connections
from django.db.models.deletion import Collector
from hypothesis import HealthCheck, given, settings, strategies as st

from django_chatkit.context import ChatKitContext
from django_chatkit.exceptions import NotPending
from django_chatkit.items import ITEM, dump_item, load_item, searchable_text
from django_chatkit.models import Thread, ThreadItem
from django_chatkit.store import DjangoStore

from chatkit import types
from chatkit.store import NotFoundError

pytestmark = pytest.mark.django_db

store = DjangoStore()


@pytest.fixture
def context(user):
    return ChatKitContext(user=user)


@pytest.fixture
def other_context(other_user):
    return ChatKitContext(user=other_user)


def metadata(thread_id="thr_1", **changes):
    return types.ThreadMetadata(id=thread_id, created_at=datetime.now(), **changes)


def message(item_id="msg_1", text="hello", thread_id="thr_1"):
    return types.AssistantMessageItem(
        id=item_id,
        thread_id=thread_id,
        created_at=datetime.now(),
        content=[types.AssistantMessageContent(text=text)],
    )


async def make_thread(context, thread_id="thr_1", items=0, **changes):
    await store.save_thread(metadata(thread_id, **changes), context)
    for number in range(items):
        await store.add_thread_item(thread_id, message(f"msg_{number}", f"text {number}"), context)


@pytest.mark.django_db(transaction=True)
def test_thread_of_somebody_who_is_gone(user, context):
    """Foreign keys are looked at when the transaction ends."""
    user.delete()
    context.user.pk = 999
    with pytest.raises(NotFoundError):
        async_to_sync(store.save_thread)(metadata(), context)
    assert not Thread.objects.exists()


async def test_thread_comes_back_as_it_was_saved(context):
    saved = metadata(
        title="A title",
        status=types.LockedStatus(reason="Holiday"),
        allowed_image_domains=["example.com"],
        metadata={"order": 7},
    )
    await store.save_thread(saved, context)
    assert await store.load_thread("thr_1", context) == saved


async def test_full_thread_stores_only_metadata(context):
    page = types.Page(data=[message()])
    thread = types.Thread(**metadata().model_dump(), items=page)
    await store.save_thread(thread, context)
    loaded = await store.load_thread("thr_1", ChatKitContext(user=context.user))
    assert type(loaded) is types.ThreadMetadata
    assert not await ThreadItem.objects.aexists()


async def test_a_change_deep_inside_of_the_metadata_is_saved(context):
    await make_thread(context, metadata={"order": {"state": "open"}}, allowed_image_domains=["a.example"])
    mine = await store.load_thread("thr_1", context)
    mine.metadata["order"]["state"] = "paid"
    mine.allowed_image_domains.append("b.example")
    await store.save_thread(mine, context)
    row = await Thread.objects.aget()
    assert row.metadata == {"order": {"state": "paid"}}
    assert row.allowed_image_domains == ["a.example", "b.example"]


async def test_what_a_tool_changes_while_the_thread_is_stored_is_kept(context, monkeypatch):
    await make_thread(context, metadata={"a": 1})
    mine = await store.load_thread("thr_1", context)
    mine.title = "A title"
    update = DjangoStore._update_thread

    def update_and_change(*arguments):
        row = update(*arguments)
        mine.metadata["agent"] = "spanish"
        mine.status = types.LockedStatus(reason="busy")
        return row

    with monkeypatch.context() as patch:
        patch.setattr(DjangoStore, "_update_thread", update_and_change)
        await store.save_thread(mine, context)
    wanted = ("A title", {"a": 1, "agent": "spanish"}, "locked")
    assert (mine.title, mine.metadata, mine.status.type) == wanted
    await store.save_thread(mine, context)
    row = await Thread.objects.aget()
    assert (row.title, row.metadata, row.status) == wanted


async def test_rename_during_a_stream_survives_the_streams_save(context, user):
    await make_thread(context, metadata={"a": 1, "b": 1})
    mine = await store.load_thread("thr_1", context)
    await Thread.objects.aupdate(title="Renamed", status="locked", metadata={"a": 1, "b": 2, "c": 3})
    mine.metadata = {"a": 9, "b": 1}
    await store.save_thread(mine, context)
    row = await Thread.objects.aget()
    assert (row.title, row.status, row.metadata) == ("Renamed", "locked", {"a": 9, "b": 2, "c": 3})
    assert mine.title == "Renamed", "thread.updated is made from this object"


async def test_save_after_delete_does_not_bring_the_thread_back(context):
    await make_thread(context)
    thread = await store.load_thread("thr_1", context)
    await store.delete_thread("thr_1", ChatKitContext(user=context.user))
    thread.title = "Back from the dead"
    with pytest.raises(NotFoundError):
        await store.save_thread(thread, context)
    with pytest.raises(NotFoundError):
        await store.add_thread_item("thr_1", message(), context)
    assert not await Thread.objects.aexists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("way", ["store", "object", "queryset"])
def test_deleting_while_an_answer_is_written(context, monkeypatch, way):
    """What came in between would make the database refuse the deletion: an error for the person."""
    async_to_sync(make_thread)(context, items=2)
    deletions = {
        "store": lambda: async_to_sync(store.delete_thread)("thr_1", context),
        "object": lambda: Thread.objects.get().delete(),
        "queryset": lambda: Thread.objects.all().delete(),
    }

    def write():
        try:
            async_to_sync(store.add_thread_item)(
                "thr_1", message("msg_late"), ChatKitContext(user=context.user)
            )
        finally:
            connections.close_all()

    delete = Collector.delete
    with ThreadPoolExecutor() as pool:
        writers = []

        def delete_late(collector):
            """Between Django's looking at what must be deleted, and deleting it."""
            writers.append(pool.submit(write))
            wait(writers, 0.5)
            return delete(collector)

        monkeypatch.setattr(Collector, "delete", delete_late)
        deletions[way]()
        [error] = [writer.exception() for writer in writers]
    assert isinstance(error, NotFoundError)
    assert not Thread.objects.exists()


async def test_thread_is_deleted_once(context):
    await make_thread(context)
    await store.delete_thread("thr_1", context)
    with pytest.raises(NotFoundError):
        await store.delete_thread("thr_1", context)


async def test_colliding_thread_id_never_changes_the_owner(context, other_context, user):
    await make_thread(context, title="Ann's")
    with pytest.raises(NotFoundError):
        await store.save_thread(metadata(title="Bob's now"), other_context)
    row = await Thread.objects.aget()
    assert (row.user_id, row.title) == (user.pk, "Ann's")


async def test_context_without_identity_owns_and_creates_nothing(db):
    nobody = ChatKitContext()
    with pytest.raises(NotFoundError):
        await store.save_thread(metadata(), nobody)
    assert (await store.load_threads(10, None, "desc", nobody)).data == []


@pytest.mark.parametrize(
    "call",
    [
        lambda context: store.load_thread("thr_1", context),
        lambda context: store.load_thread_items("thr_1", None, 10, "asc", context),
        lambda context: store.load_item("thr_1", "msg_0", context),
        lambda context: store.add_thread_item("thr_1", message("msg_9"), context),
        lambda context: store.add_thread_item("thr_1", message("msg_0", "overwritten"), context),
        lambda context: store.save_item("thr_1", message("msg_0", "overwritten"), context),
        lambda context: store.delete_thread_item("thr_1", "msg_0", context),
        lambda context: store.delete_items_after("thr_1", "msg_0", context),
        lambda context: store.delete_thread("thr_1", context),
        lambda context: store.load_threads(10, "thr_1", "desc", context),
    ],
)
@pytest.mark.parametrize("who", ["another user", "another server", "another tenant", "a visitor"])
async def test_what_is_not_yours_is_not_found(context, other_user, call, who):
    await make_thread(context, items=2)
    before = [row async for row in ThreadItem.objects.values_list("item_id", "data")]
    stranger = {
        "another user": ChatKitContext(user=other_user),
        "another server": ChatKitContext(user=context.user, server="sales"),
        "another tenant": ChatKitContext(user=context.user, tenant="acme"),
        "a visitor": ChatKitContext(visitor="v"),
    }[who]
    with pytest.raises(NotFoundError):
        await call(stranger)
    assert before == [row async for row in ThreadItem.objects.values_list("item_id", "data")]


async def test_item_of_another_thread_is_not_found_in_this_one(context):
    await make_thread(context, "thr_1", items=1)
    await make_thread(context, "thr_2")
    with pytest.raises(NotFoundError):
        await store.load_item("thr_2", "msg_0", context)
    await store.delete_thread_item("thr_2", "msg_0", context)
    assert await ThreadItem.objects.filter(thread_id="thr_1").acount() == 1


async def test_same_item_id_in_two_threads_are_two_items(context, other_context):
    await make_thread(context, "thr_1")
    await make_thread(other_context, "thr_2")
    await store.add_thread_item("thr_1", message("__fake_id__", "ann"), context)
    await store.add_thread_item("thr_2", message("__fake_id__", "bob"), other_context)
    assert (await store.load_item("thr_1", "__fake_id__", context)).content[0].text == "ann"


async def test_adding_again_keeps_place_and_time(context):
    await make_thread(context, items=3)
    first = await store.load_item("thr_1", "msg_0", context)
    again = message("msg_0", "changed")
    again.created_at += timedelta(hours=1)
    await store.add_thread_item("thr_1", again, context)
    page = await store.load_thread_items("thr_1", None, 10, "asc", context)
    assert [item.id for item in page.data] == ["msg_0", "msg_1", "msg_2"]
    assert page.data[0].content[0].text == "changed"
    assert page.data[0].created_at == first.created_at


async def test_order_is_insertion_even_when_the_clock_stands_or_runs_back(context):
    await make_thread(context)
    noon = datetime(2026, 1, 1, 12)
    for number, moment in enumerate([noon, noon, noon - timedelta(hours=1), noon]):
        item = message(f"msg_{number}")
        item.created_at = moment
        await store.add_thread_item("thr_1", item, context)
    page = await store.load_thread_items("thr_1", None, 10, "asc", context)
    assert [item.id for item in page.data] == ["msg_0", "msg_1", "msg_2", "msg_3"]


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
async def test_pages_hold_every_item_once(context, order, limit):
    await make_thread(context, items=7)
    seen, after = [], None
    while True:
        page = await store.load_thread_items("thr_1", after, limit, order, context)
        seen += [item.id for item in page.data]
        assert page.has_more == (page.after is not None)
        if not page.has_more:
            break
        after = page.after
    expected = [f"msg_{number}" for number in range(7)]
    assert seen == (expected if order == "asc" else expected[::-1])


async def test_pages_of_threads(context, other_context):
    for number in range(5):
        await make_thread(context, f"thr_{number}")
    await make_thread(other_context, "thr_bob")
    first = await store.load_threads(2, None, "desc", context)
    rest = await store.load_threads(100, first.after, "desc", context)
    assert [thread.id for thread in first.data + rest.data] == ["thr_4", "thr_3", "thr_2", "thr_1", "thr_0"]
    assert not rest.has_more
    assert rest.after is None


@pytest.mark.parametrize("limit", [-(10**20), -1, 0, 1, 9999, 10**20])
async def test_any_limit_is_clamped(context, limit):
    await make_thread(context, items=2)
    page = await store.load_thread_items("thr_1", None, limit, "asc", context)
    assert 1 <= len(page.data) <= 2


async def test_more_than_a_hundred_items_are_never_in_one_page(context):
    await make_thread(context)
    await ThreadItem.objects.abulk_create(
        ThreadItem(
            thread_id="thr_1",
            item_id=f"m{n}",
            type="assistant_message",
            data=dump_item(message(f"m{n}"), "thr_1"),
        )
        for n in range(120)
    )
    page = await store.load_thread_items("thr_1", None, 9999, "asc", context)
    assert (len(page.data), page.has_more, page.after) == (100, True, "m99")


@pytest.mark.parametrize("after", ["unknown", "", "x" * 5000, "nul\0", "😀"])
async def test_unknown_cursor_is_not_the_first_page_again(context, after):
    await make_thread(context, items=2)
    with pytest.raises(NotFoundError):
        await store.load_thread_items("thr_1", after, 10, "asc", context)
    with pytest.raises(NotFoundError):
        await store.load_threads(10, after, "desc", context)


async def test_deleting_an_item_that_was_never_stored_is_no_error(context):
    await make_thread(context)
    await store.delete_thread_item("thr_1", "msg_never", context)


async def test_delete_items_after_is_one_cut(context):
    await make_thread(context, items=4)
    await store.delete_items_after("thr_1", "msg_1", context)
    assert [row async for row in ThreadItem.objects.values_list("item_id", flat=True)] == ["msg_0", "msg_1"]


async def test_hidden_item_behind_a_tool_call_does_not_hide_it(context):
    await make_thread(context)
    call = types.ClientToolCallItem(
        id="tc_1", thread_id="thr_1", created_at=datetime.now(), call_id="c", name="n", arguments={}
    )
    hidden = types.HiddenContextItem(id="h_1", thread_id="thr_1", created_at=datetime.now(), content="secret")
    await store.add_thread_item("thr_1", call, context)
    await store.add_thread_item("thr_1", hidden, context)
    context.streaming = True  # as when the page's output comes
    page = await store.load_thread_items("thr_1", None, 1, "desc", context)
    assert [item.id for item in page.data] == ["tc_1"]


async def test_tool_call_and_question_are_answered_once(context):
    await make_thread(context)
    call = types.ClientToolCallItem(
        id="tc_1", thread_id="thr_1", created_at=datetime.now(), call_id="c", name="n", arguments={}
    )
    await store.add_thread_item("thr_1", call, context)
    answered = call.model_copy(update={"status": "completed", "output": "first"})
    await store.save_item("thr_1", answered, context)
    with pytest.raises(NotPending):
        await store.save_item("thr_1", answered.model_copy(update={"output": "second"}), context)
    assert (await store.load_item("thr_1", "tc_1", context)).output == "first"


NAUGHTY = ["a\0b", "\ud800 half", "\udfff", "\\u0000", "a\\\0", "🙈", "\u202eright to left", "' OR 1=1 --"]


@pytest.mark.parametrize("text", NAUGHTY)
async def test_no_text_crashes_or_loses_a_message(context, text):
    await make_thread(context, metadata={"k\0ey": text})
    item = message(text="safe").model_copy(deep=True)
    item.content[0].text = text
    await store.add_thread_item("thr_1", item, context)
    stored = (await store.load_item("thr_1", "msg_1", context)).content[0].text
    cleaned = "".join("\ufffd" if c == "\0" or "\ud800" <= c <= "\udfff" else c for c in text)
    assert stored == cleaned
    assert (await ThreadItem.objects.aget()).text == cleaned


async def test_infinite_numbers_become_null(context):
    await make_thread(context, metadata={"n": float("nan")})
    call = types.ClientToolCallItem(
        id="tc",
        thread_id="thr_1",
        created_at=datetime.now(),
        call_id="c",
        name="n",
        arguments={"x": float("inf"), "big": 10**400},
    )
    await store.add_thread_item("thr_1", call, context)
    loaded = await store.load_item("thr_1", "tc", context)
    assert loaded.arguments == {"x": None, "big": 10**400}
    assert (await Thread.objects.aget()).metadata == {"n": None}


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kathmandu"])
async def test_aware_and_naive_times_are_the_same_moment(context, zone):
    await make_thread(context)
    aware = datetime(2026, 7, 1, 12, tzinfo=ZoneInfo(zone))
    item = message()
    item.created_at = aware
    await store.add_thread_item("thr_1", item, context)
    loaded = await store.load_item("thr_1", "msg_1", context)
    assert loaded.created_at.tzinfo is None, "the SDK subtracts it from its own datetime.now()"
    assert loaded.created_at.astimezone(UTC) == aware


async def test_times_in_the_hour_that_comes_twice(context):
    await make_thread(context)
    berlin = ZoneInfo("Europe/Berlin")
    for fold in (0, 1):
        moment = datetime(2026, 10, 25, 2, 30, fold=fold, tzinfo=berlin).astimezone(UTC)
        item = message(f"msg_{fold}")
        item.created_at = datetime.fromtimestamp(moment.timestamp())
        await store.add_thread_item("thr_1", item, context)
        loaded = await store.load_item("thr_1", f"msg_{fold}", context)
        assert loaded.created_at.astimezone(UTC) == moment


async def test_an_item_the_sdk_no_longer_knows_does_not_close_the_thread(context, caplog):
    await make_thread(context, items=2)
    await ThreadItem.objects.filter(item_id="msg_0").aupdate(data='{"type": "from_the_future"}')
    page = await store.load_thread_items("thr_1", None, 10, "asc", context)
    assert [item.id for item in page.data] == ["msg_1"]
    assert "msg_0 cannot be read" in caplog.text
    with pytest.raises(NotFoundError):
        await store.load_item("thr_1", "msg_0", context)


def test_ids_have_at_least_96_random_bits(context):
    made = {store.generate_thread_id(context) for _ in range(1000)}
    assert len(made) == 1000
    assert all(name.startswith("thr_") and len(name) == 4 + 32 for name in made)


def test_deleting_the_user_deletes_threads_and_items(context, user):
    async_to_sync(make_thread)(context, items=2)
    user.delete()
    assert not Thread.objects.exists()
    assert not ThreadItem.objects.exists()


# Every item type, with every nested field


CLEAN_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | CLEAN_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(CLEAN_TEXT, inner, max_size=3),
    max_leaves=6,
)
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))


def models(model, /, **fields):
    return st.builds(model, **fields)


SOURCES = st.one_of(
    models(types.URLSource, title=CLEAN_TEXT, url=CLEAN_TEXT, description=st.none() | CLEAN_TEXT),
    models(types.FileSource, title=CLEAN_TEXT, filename=CLEAN_TEXT, group=st.none() | CLEAN_TEXT),
    models(
        types.EntitySource,
        title=CLEAN_TEXT,
        id=CLEAN_TEXT,
        data=st.dictionaries(CLEAN_TEXT, JSON, max_size=2),
        preview=st.none(),
        icon=st.none(),
    ),
)
ANNOTATIONS = models(types.Annotation, source=SOURCES, index=st.none() | st.integers(0, 99))
TASKS = st.one_of(
    models(types.CustomTask, title=st.none() | CLEAN_TEXT, content=st.none() | CLEAN_TEXT, icon=st.none()),
    models(
        types.SearchTask,
        queries=st.lists(CLEAN_TEXT, max_size=2),
        sources=st.lists(SOURCES.filter(lambda source: isinstance(source, types.URLSource)), max_size=2),
    ),
    models(types.ThoughtTask, content=CLEAN_TEXT),
    models(
        types.FileTask,
        sources=st.lists(SOURCES.filter(lambda source: isinstance(source, types.FileSource)), max_size=2),
    ),
    models(types.ImageTask, title=st.none() | CLEAN_TEXT),
)
QUESTIONS = st.one_of(
    models(
        types.StructuredInputMultipleChoice,
        id=CLEAN_TEXT,
        question=CLEAN_TEXT,
        options=st.lists(models(types.StructuredInputMultipleChoiceOption, value=CLEAN_TEXT), max_size=2),
    ),
    models(types.StructuredInputFreeform, id=CLEAN_TEXT, question=CLEAN_TEXT, description=CLEAN_TEXT),
)
CONTENT = st.one_of(
    models(types.UserMessageTextContent, text=CLEAN_TEXT),
    models(
        types.UserMessageTagContent,
        id=CLEAN_TEXT,
        text=CLEAN_TEXT,
        data=st.dictionaries(CLEAN_TEXT, JSON, max_size=2),
    ),
)
ATTACHMENTS = models(
    types.FileAttachment,
    id=CLEAN_TEXT,
    name=CLEAN_TEXT,
    mime_type=CLEAN_TEXT,
    upload_descriptor=st.none(),
    metadata=st.none() | st.dictionaries(CLEAN_TEXT, JSON, max_size=2),
)
WIDGET = st.builds(
    lambda text, label: types.WidgetItem.model_validate(
        {
            "id": "w",
            "thread_id": "t",
            "created_at": "2026-01-01T00:00:00Z",
            "widget": {
                "type": "Card",
                "children": [
                    {"type": "Text", "value": text},
                    {
                        "type": "Button",
                        "label": label,
                        "onClickAction": {"type": "go", "payload": {"k": [1, None]}},
                    },
                ],
            },
        }
    ),
    CLEAN_TEXT,
    CLEAN_TEXT,
)
BASE = {"id": CLEAN_TEXT, "thread_id": st.just("thr_1"), "created_at": MOMENTS}
ITEMS = st.one_of(
    models(
        types.UserMessageItem,
        **BASE,
        content=st.lists(CONTENT, max_size=3),
        attachments=st.lists(ATTACHMENTS, max_size=2),
        quoted_text=st.none() | CLEAN_TEXT,
        inference_options=models(types.InferenceOptions, model=st.none() | CLEAN_TEXT, tool_choice=st.none()),
    ),
    models(
        types.AssistantMessageItem,
        **BASE,
        content=st.lists(
            models(
                types.AssistantMessageContent,
                text=CLEAN_TEXT,
                annotations=st.lists(ANNOTATIONS, max_size=2),
            ),
            max_size=2,
        ),
    ),
    models(
        types.ClientToolCallItem,
        **BASE,
        call_id=CLEAN_TEXT,
        name=CLEAN_TEXT,
        arguments=st.dictionaries(CLEAN_TEXT, JSON, max_size=3),
        output=JSON,
    ),
    WIDGET,
    models(
        types.GeneratedImageItem,
        **BASE,
        image=st.none() | models(types.GeneratedImage, id=CLEAN_TEXT, url=CLEAN_TEXT),
    ),
    models(types.StructuredInputItem, **BASE, inputs=st.lists(QUESTIONS, max_size=2)),
    models(
        types.WorkflowItem,
        **BASE,
        workflow=models(
            types.Workflow,
            type=st.sampled_from(["custom", "reasoning"]),
            tasks=st.lists(TASKS, max_size=3),
            summary=st.none() | models(types.DurationSummary, duration=st.integers(0, 99)),
        ),
    ),
    models(types.TaskItem, **BASE, task=TASKS),
    models(types.HiddenContextItem, **BASE, content=JSON),
    models(types.SDKHiddenContextItem, **BASE, content=CLEAN_TEXT),
    models(types.EndOfTurnItem, **BASE),
)


@given(item=ITEMS)
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_item_comes_back_equal(item):
    loaded = load_item(dump_item(item, item.thread_id), item.created_at)
    assert type(loaded) is type(item)
    assert loaded.created_at.astimezone(UTC) == item.created_at
    assert loaded.model_dump(exclude={"created_at"}) == item.model_dump(exclude={"created_at"})
    assert isinstance(searchable_text(loaded), str)


def test_the_strategies_cover_every_item_type():
    known = set(ThreadItem.Type.values)
    schema = ITEM.json_schema(ref_template="{model}")
    assert set(schema["discriminator"]["mapping"]) == known


@given(items=st.lists(ITEMS, min_size=1, max_size=4, unique_by=lambda item: item.id))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_item_goes_through_the_database(context, items):
    Thread.objects.all().delete()
    context.threads.clear()
    items = [item for item in items if 0 < len(item.id) < 255]

    async def put_and_get():
        await make_thread(context)
        for item in items:
            await store.add_thread_item("thr_1", item, context)
        return await store.load_thread_items("thr_1", None, 10, "asc", context)

    page = async_to_sync(put_and_get)()
    assert [item.id for item in page.data] == [item.id for item in items]
    for stored, item in zip(page.data, items, strict=True):
        skipped = {"created_at", "thread_id"}
        assert stored.model_dump(exclude=skipped) == item.model_dump(exclude=skipped)
