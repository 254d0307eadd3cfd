"""Where staff read, search and tidy threads: who may, what it costs, and that nothing of others is lost."""

import json
import logging
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_chatkit.admin import ThreadAdmin, transcript as admin_transcript
from django_chatkit.models import Feedback, Thread, ThreadItem

from .test_transcript import HOSTILE, Page, assert_inert, row, sample_items

pytestmark = pytest.mark.django_db

LIST = "/admin/django_chatkit/thread/"
XSS = "<script>alert(1)</script>"


def make_thread(number=1, **fields):
    fields.setdefault("visitor", "" if fields.get("user") else f"visitor{number:04}")
    return Thread.objects.create(thread_id=f"thr_{number}", **fields)


def make_item(thread, number=1, item_type="user_message", text="", data="{}"):
    return ThreadItem.objects.create(
        thread=thread, item_id=f"msg_{number}", type=item_type, text=text, data=data
    )


def make_message(thread, number, text):
    data = {"content": [{"type": "input_text", "text": text}]}
    return make_item(thread, number, text=text, data=json.dumps(data))


def fill(thread):
    """One item of every type."""
    for item in sample_items():
        ThreadItem.objects.create(
            thread=thread,
            item_id=item.id,
            type=item.type,
            data=item.model_dump_json(),
            created_at=item.created_at,
        )


def page_of(thread, name="change"):
    return reverse(f"admin:django_chatkit_thread_{name}", args=[thread.pk])


def log_in(user):
    client = Client()
    client.force_login(user)
    return client


def allow(user, *codenames):
    user.is_staff = True
    user.save()
    user.user_permissions.set(Permission.objects.filter(codename__in=codenames))
    return log_in(user)


@pytest.fixture
def staff(django_user_model):
    return django_user_model.objects.create_superuser("boss", "boss@example.com", "boss")


@pytest.fixture
def client(staff):
    return log_in(staff)


@pytest.fixture
def viewer(other_user):
    return allow(other_user, "view_thread")


def titles(response, context="context"):
    return [thread.title for thread in getattr(response, context)["cl"].result_list]


# The list


def test_list_shows_what_a_thread_is(client, user):
    thread = make_thread(1, title="Lost parcel", user=user, status="locked")
    for number in range(3):
        make_item(thread, number)
    text = Page(client.get(LIST).content.decode()).text
    for words in ("Lost parcel", "ann", "default", "locked"):
        assert words in text
    assert client.get(LIST).context["cl"].result_list[0].item_count == 3


def test_list_names_a_visitor_by_a_short_id(client):
    make_thread(1, visitor="0123456789abcdef")
    html = client.get(LIST).content.decode()
    assert "visitor <code>01234567</code>" in html
    assert "89abcdef" not in html


def test_untitled_thread_is_listed_by_its_id(client):
    make_thread(7)
    assert "thr_7" in client.get(LIST).content.decode()


def test_newest_activity_comes_first(client):
    now = timezone.now()
    for number, hours in ((1, 5), (2, 1), (3, 9)):
        make_thread(number, title=str(hours), updated_at=now - timedelta(hours=hours))
    assert titles(client.get(LIST)) == ["1", "5", "9"]


@pytest.mark.parametrize(
    "query", ["", "?q=parcel", "?q=ann+words", "?feedback=negative", "?o=1", "?_facets=True"]
)
def test_query_count_does_not_grow_with_the_rows(client, user, query):
    def count():
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert client.get(LIST + query).status_code == 200
        return len(queries)

    def add(number):
        thread = make_thread(number, title="parcel", user=user if number % 2 else None)
        item = make_item(thread, 1, text="some words of ann")
        Feedback.objects.create(item=item, kind="negative")

    client.get(LIST)
    add(1)
    few = count()
    for number in range(2, 42):
        add(number)
    assert count() == few


def test_query_count_of_the_list(client, user, django_assert_num_queries):
    for number in range(30):
        make_item(make_thread(number, user=user))
    with django_assert_num_queries(9):
        client.get(LIST)


def test_list_leaves_big_columns_in_the_database(client):
    make_thread(1, metadata={"k": "v"})
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST)
    assert not [query for query in queries if '"metadata"' in query["sql"] or '"data"' in query["sql"]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["2023", "2024", "2025"]),
        ("?updated_at__year=2023", ["November 2023", "December 2023"]),
        ("?updated_at__year=2023&updated_at__month=12", ["December 30", "December 31"]),
    ],
)
def test_dates_lead_from_the_first_thread_to_the_last(client, query, expected):
    """Those in Berlin, where the last thread of 2023 came an hour later than in UTC."""
    moments = [(2023, 11, 2), (2023, 12, 30), (2023, 12, 30, 23, 30), (2025, 1, 1)]
    for number, moment in enumerate(moments):
        make_thread(number, updated_at=datetime(*moment, tzinfo=UTC))
    html = client.get(LIST + query).content.decode()
    toplinks = html[html.index("toplinks") :].partition("</nav>")[0].partition("</ul>")[0]
    links = [words.strip() for words in Page("<p " + toplinks).text.splitlines() if words.strip()]
    assert links[-len(expected) :] == expected


# Search


@pytest.fixture
def library(user, other_user):
    user.email = "ann@shop.example"
    user.save()
    one = make_thread(1, title="Lost parcel", user=user)
    make_message(one, 1, "the carrier is late")
    make_message(one, 2, "the carrier is lost")
    two = make_thread(2, title="Refund", visitor="feedface00", tenant="acme")
    make_message(two, 1, "money back 100% now")
    make_thread(3, title="Greetings", user=other_user)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("parcel", ["Lost parcel"]),
        ("PARCEL", ["Lost parcel"]),
        ("carrier", ["Lost parcel"]),
        ("carrier ann", ["Lost parcel"]),
        ("late lost", ["Lost parcel"]),
        ('"is late"', ["Lost parcel"]),
        ('"late is"', []),
        ("carrier refund", []),
        ("ann@shop.example", ["Lost parcel"]),
        ("bob", ["Greetings"]),
        ("feedface", ["Refund"]),
        ("acme", ["Refund"]),
        ("thr_2", ["Refund"]),
        ("100%", ["Refund"]),
        ("%", ["Refund"]),
        ("'", []),
        ("nothing", []),
    ],
)
def test_search(client, library, query, expected):
    assert titles(client.get(LIST, {"q": query})) == expected


def test_search_for_nul_is_no_error(client, library):
    assert client.get(LIST, {"q": "a\0b"}).status_code == 200


# Filters


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, {"a", "b", "c", "d"}),
        ({"server": "sales"}, {"b"}),
        ({"server": "-"}, {"c"}),
        ({"status__exact": "locked"}, {"b"}),
        ({"feedback": "positive"}, {"a"}),
        ({"feedback": "negative"}, {"a", "b"}),
        ({"feedback": "none"}, {"c", "d"}),
        ({"feedback": "nonsense"}, {"a", "b", "c", "d"}),
        ({"owner": "user"}, {"a"}),
        ({"owner": "visitor"}, {"b", "c", "d"}),
        ({"owner": "nonsense"}, {"a", "b", "c", "d"}),
        ({"tenant": "acme"}, {"d"}),
        ({"updated_at__year": "2020"}, {"d"}),
    ],
)
def test_filters(client, user, query, expected):
    first = make_thread(1, title="a", user=user)
    for number, kind in enumerate(["positive", "positive", "negative"]):
        Feedback.objects.create(item=make_item(first, number), kind=kind)
    second = make_thread(2, title="b", server="sales", status="locked")
    Feedback.objects.create(item=make_item(second), kind="negative")
    make_thread(3, title="c", server="gone")
    long_ago = timezone.now().replace(year=2020, month=5, day=5)
    make_thread(4, title="d", tenant="acme", updated_at=long_ago)
    found = titles(client.get(LIST, query))
    assert len(found) == len(set(found))
    assert set(found) == expected


def test_tenant_filter_is_there_where_tenants_are(client):
    make_thread(1)
    assert "By tenant" not in client.get(LIST).content.decode()
    make_thread(2, tenant="acme")
    html = client.get(LIST).content.decode()
    assert "By tenant" in html
    assert "?tenant=acme" in html


# The page of one thread


def test_every_type_is_on_the_page_in_order(client):
    thread = make_thread(1, title="All kinds")
    fill(thread)
    response = client.get(page_of(thread))
    shown = [entry.kind for entry in response.context["transcript"].entries]
    assert shown == [item.type for item in sample_items()]
    page = Page(response.content.decode())
    assert page.text.count("never shown to the user") == 2
    for item in sample_items():
        assert item.id in page.text


def test_order_is_that_of_insertion_not_of_time(client):
    thread = make_thread(1)
    now = timezone.now()
    for number, minutes in ((1, 0), (2, -9), (3, -5)):
        item = make_message(thread, number, f"m{number}")
        ThreadItem.objects.filter(pk=item.pk).update(created_at=now + timedelta(minutes=minutes))
    entries = client.get(page_of(thread)).context["transcript"].entries
    assert [entry.item.item_id for entry in entries] == ["msg_1", "msg_2", "msg_3"]


def test_times_are_local(client):
    thread = make_thread(1)
    fill(thread)
    assert "March 1, 2026, 1 p.m." in client.get(page_of(thread)).content.decode()


def test_thumbs_are_shown_where_they_were_given(client):
    thread = make_thread(1)
    Feedback.objects.create(item=make_message(thread, 1, "a"), kind="positive")
    Feedback.objects.create(item=make_message(thread, 2, "b"), kind="negative")
    make_message(thread, 3, "c")
    html = client.get(page_of(thread)).content.decode()
    assert html.count("positive feedback") == html.count("negative feedback") == 1


def test_text_of_people_has_its_own_direction_and_language(client):
    thread = make_thread(1)
    make_message(thread, 1, "مرحبا")
    assert (
        '<p lang="" dir="auto"><span class="chatkit-text">مرحبا'
        in client.get(page_of(thread)).content.decode()
    )


def test_query_count_of_the_page(client, django_assert_num_queries):
    thread = make_thread(1)
    fill(thread)
    Feedback.objects.create(item=thread.items.first(), kind="positive")
    client.get(page_of(thread))  # Django remembers the content type
    with django_assert_num_queries(7):
        client.get(page_of(thread))
    for number in range(100, 150):
        make_message(thread, number, "more")
    with django_assert_num_queries(7):
        client.get(page_of(thread))


def test_long_transcripts_come_in_pages(client, monkeypatch):
    monkeypatch.setattr(admin_transcript, "PAGE_SIZE", 4)
    thread, other = make_thread(1), make_thread(2)
    for number in range(10):
        make_message(thread, number, f"m{number}")
        make_message(other, number, "other")

    def visit(query):
        response = client.get(page_of(thread) + query)
        shown = response.context["transcript"]
        return [int(entry.item.item_id.removeprefix("msg_")) for entry in shown.entries], shown, response

    numbers, newest, response = visit("")
    assert (numbers, newest.count, newest.newer) == ([6, 7, 8, 9], 10, None)
    assert f"?before={newest.older}" in response.content.decode()
    numbers, middle, response = visit(f"?before={newest.older}")
    assert numbers == [2, 3, 4, 5]
    assert f"?after={middle.newer}" in response.content.decode()
    numbers, oldest, _response = visit(f"?before={middle.older}")
    assert (numbers, oldest.older) == ([0, 1], None)
    assert visit(f"?after={oldest.newer}")[0] == [2, 3, 4, 5]


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?after=", "?before=" + "9" * 40, "?after=²"])
def test_wrong_page_is_the_newest(client, query):
    thread = make_thread(1)
    make_message(thread, 1, "hello")
    assert len(client.get(page_of(thread) + query).context["transcript"].entries) == 1


def test_metadata_is_shown(client):
    thread = make_thread(1, metadata={"order": XSS}, allowed_image_domains=["a.example", "b.example"])
    html = client.get(page_of(thread)).content.decode()
    assert "&quot;order&quot;: &quot;&lt;script&gt;" in html
    assert "a.example, b.example" in html


def test_empty_thread_has_a_page(client):
    assert "Nothing here." in client.get(page_of(make_thread(1))).content.decode()


# Inert


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_names_are_inert(client, django_user_model, text):
    text = text.encode("utf-8", "replace").decode().replace("\0", "")
    person = django_user_model.objects.create(username=text[:150])
    thread = make_thread(
        1, title=text, user=person, tenant=text, status_reason=text, metadata={text: text}, server=text[:64]
    )
    make_message(thread, 1, "x")
    assert text not in client.get(LIST).content.decode() or not set(text) & set("<>&\"'")
    for url in (LIST, page_of(thread), page_of(thread, "delete"), page_of(thread, "history")):
        html = client.get(url).content.decode()
        assert "alert(1)" not in "".join(inside("script", html))
        assert not [
            attrs for _tag, attrs in Page(html).tags if attrs.keys() & {"onerror", "onload", "onmouseover"}
        ]
        assert not [
            link for link in Page(html).links if link and link.lower().startswith(("javascript:", "data:"))
        ]


def inside(tag, html):
    return [part.partition(f"</{tag}")[0] for part in html.split(f"<{tag}")[1:]]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_items_are_inert(client, text):
    thread = make_thread(1)
    clean = text.encode("utf-8", "replace").decode().replace("\0", "")
    stored = row("assistant_message", {"content": [{"text": text}]})
    ThreadItem.objects.create(thread=thread, item_id=clean, type="assistant_message", data=stored.data)
    ThreadItem.objects.create(thread=thread, item_id="broken", type="unheard_of", data=clean)
    html = client.get(page_of(thread)).content.decode()
    entries = html[html.index('<ol class="chatkit-entries">') : html.rindex("</section>")]
    without_anchors = entries.replace('href="#item-', 'id="')
    assert_inert(without_anchors)


def test_page_has_nothing_a_strict_policy_forbids(client):
    thread = make_thread(1)
    fill(thread)
    html = client.get(page_of(thread)).content.decode()
    section = Page(html[html.index('<section class="chatkit-transcript"') :])
    assert not [tag for tag, attrs in section.tags if tag in ("script", "style") and "src" not in attrs]
    assert not [attrs for _tag, attrs in section.tags if "style" in attrs]


# Who may


VIEW, CHANGE_, DELETE = "view_thread", "change_thread", "delete_thread"


@pytest.mark.parametrize(
    ("codenames", "may_read", "may_change", "may_delete"),
    [
        ([], False, False, False),
        ([VIEW], True, False, False),
        ([VIEW, CHANGE_], True, True, False),
        ([CHANGE_], True, True, False),
        ([VIEW, DELETE], True, False, True),
        (["view_threaditem", "change_threaditem", "add_thread"], False, False, False),
    ],
)
def test_permissions(other_user, codenames, may_read, may_change, may_delete):
    thread = make_thread(1, title="before")
    make_message(thread, 1, "secret words")
    client = allow(other_user, *codenames)
    page = client.get(page_of(thread))
    assert client.get(LIST).status_code == page.status_code == (200 if may_read else 403)
    assert (b"secret words" in page.content) is may_read
    assert client.get(reverse("admin:django_chatkit_thread_add")).status_code == 403
    assert client.post(page_of(thread), form(thread, title="after")).status_code == (
        302 if may_change else 403
    )
    run(client, "lock", thread)
    thread.refresh_from_db()
    assert (thread.title == "after") is may_change
    assert (thread.status == "locked") is may_change
    assert client.post(page_of(thread, "delete"), {"post": "yes"}).status_code == (302 if may_delete else 403)
    assert Thread.objects.exists() is not may_delete


def test_class_of_a_project_can_narrow_what_staff_see(rf, staff):
    class SalesThreadAdmin(ThreadAdmin):
        def get_queryset(self, request):
            return super().get_queryset(request).filter(server="sales")

    model_admin = SalesThreadAdmin(Thread, admin.site)
    sales, other = make_thread(1, title="ours", server="sales"), make_thread(2, title="theirs")
    request = rf.get("/")
    request.user = staff
    assert titles(model_admin.changelist_view(request).render(), "context_data") == ["ours"]
    assert model_admin.get_object(request, str(sales.pk)) == sales
    assert model_admin.get_object(request, str(other.pk)) is None


def test_who_may_only_view_cannot_delete_many(viewer):
    thread = make_thread(1)
    run(viewer, "delete_selected", thread, post="yes")
    assert Thread.objects.count() == 1


def test_strangers_are_sent_to_the_login(user):
    thread = make_thread(1)
    for client in (Client(), log_in(user)):
        assert "/login/" in client.get(page_of(thread))["Location"]


def test_viewer_sees_the_transcript_without_a_form(viewer):
    thread = make_thread(1, title="Parcel")
    make_message(thread, 1, "secret words")
    html = viewer.get(page_of(thread)).content.decode()
    assert "secret words" in html
    assert 'name="title"' not in html
    assert 'name="_save"' not in html


def test_nobody_writes_in_anybodys_name(client):
    assert client.get("/admin/django_chatkit/threaditem/").status_code == 404
    assert client.get(f"{LIST}add/").status_code == 403


def test_owner_and_ids_cannot_be_changed(client, user):
    thread = make_thread(1)
    data = form(thread, title="new") | {"user": user.pk, "visitor": "me", "thread_id": "mine", "server": "x"}
    client.post(page_of(thread), data)
    thread.refresh_from_db()
    assert (thread.title, thread.user, thread.visitor) == ("new", None, "visitor0001")
    assert (thread.thread_id, thread.server) == ("thr_1", "default")


# Changes


def form(thread, **changes):
    """What a browser sends that was shown this thread."""
    shown = {name: getattr(thread, name) for name in ("title", "status", "status_reason")}
    return shown | {f"initial-{name}": value for name, value in shown.items()} | changes


def test_title_and_status_can_be_changed(client):
    thread = make_thread(1, title="before")
    assert (
        client.post(
            page_of(thread), form(thread, title="after", status="closed", status_reason="Done")
        ).status_code
        == 302
    )
    thread.refresh_from_db()
    assert (thread.title, thread.status, thread.status_reason) == ("after", "closed", "Done")


def test_activating_clears_the_reason(client):
    thread = make_thread(1, status="closed", status_reason="Done")
    client.post(page_of(thread), form(thread, status="active"))
    thread.refresh_from_db()
    assert (thread.status, thread.status_reason) == ("active", "")


def test_form_carries_what_it_showed(client):
    html = client.get(page_of(make_thread(1, title="shown"))).content.decode()
    assert 'name="initial-title" value="shown"' in html


def test_what_others_change_meanwhile_is_not_lost(client):
    thread = make_thread(1, title="before", metadata={"a": 1})
    data = form(thread, status="locked")
    later = timezone.now() + timedelta(hours=1)
    Thread.objects.update(title="by the answer", metadata={"a": 2}, updated_at=later)
    assert client.post(page_of(thread), data).status_code == 302
    thread.refresh_from_db()
    assert (thread.title, thread.status) == ("by the answer", "locked")
    assert (thread.metadata, thread.updated_at) == ({"a": 2}, later)


def test_saving_nothing_writes_nothing(client):
    thread = make_thread(1, title="before")
    data = form(thread)
    Thread.objects.update(title="by the answer", status="locked")
    with CaptureQueriesContext(connection) as queries:
        client.post(page_of(thread), data)
    assert not [query for query in queries if query["sql"].startswith('UPDATE "django_chatkit')]
    thread.refresh_from_db()
    assert (thread.title, thread.status) == ("by the answer", "locked")


def test_only_changed_columns_are_written(client):
    thread = make_thread(1, title="before")
    with CaptureQueriesContext(connection) as queries:
        client.post(page_of(thread), form(thread, title="after"))
    (update,) = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "django_chatkit')]
    assert update.count("=") == 2
    assert '"title" = ' in update


def test_two_changes_of_one_field_are_a_conflict(client):
    thread = make_thread(1, title="before")
    data = form(thread, title="mine")
    Thread.objects.update(title="theirs")
    response = client.post(page_of(thread), data)
    assert response.status_code == 200
    assert response.context["adminform"].form.errors.as_data()["title"][0].code == "changed"
    thread.refresh_from_db()
    assert thread.title == "theirs"


def test_line_ends_of_browsers_are_no_change_and_no_conflict(client):
    thread = make_thread(1, status="locked", status_reason="one\ntwo")
    data = form(thread) | {"status_reason": "one\r\ntwo\r\nthree", "initial-status_reason": "one\r\ntwo"}
    assert client.post(page_of(thread), data).status_code == 302
    thread.refresh_from_db()
    assert thread.status_reason.splitlines() == ["one", "two", "three"]


def test_script_without_initial_values_can_still_save(client):
    thread = make_thread(1, title="before")
    client.post(page_of(thread), {"title": "after", "status": "active", "status_reason": ""})
    thread.refresh_from_db()
    assert thread.title == "after"


# Actions


def run(client, action, *threads, **extra):
    data = {"action": action, "_selected_action": [thread.pk for thread in threads], **extra}
    return client.post(LIST, data, follow=True)


@pytest.mark.parametrize(
    ("action", "before", "after"),
    [
        ("lock", "active", "locked"),
        ("lock", "locked", "locked"),
        ("lock", "closed", "closed"),
        ("unlock", "locked", "active"),
        ("unlock", "closed", "closed"),
        ("close", "active", "closed"),
        ("close", "locked", "closed"),
        ("reopen", "closed", "active"),
        ("reopen", "locked", "locked"),
    ],
)
def test_actions(client, action, before, after):
    thread, other = make_thread(1, status=before), make_thread(2, status=before)
    response = run(client, action, thread)
    thread.refresh_from_db()
    other.refresh_from_db()
    assert (thread.status, other.status) == (after, before)
    assert LogEntry.objects.filter(action_flag=CHANGE, object_id=str(thread.pk)).count() == (before != after)
    (message,) = response.context["messages"]
    assert message.level_tag == ("success" if before != after else "warning")


def test_action_takes_a_reason(client):
    thread = make_thread(1)
    run(client, "lock", thread, status_reason=" Being looked at ")
    thread.refresh_from_db()
    assert (thread.status, thread.status_reason) == ("locked", "Being looked at")
    run(client, "unlock", thread, status_reason="ignored")
    thread.refresh_from_db()
    assert (thread.status, thread.status_reason) == ("active", "")


def test_actions_write_two_columns_only(client):
    threads = [make_thread(number) for number in range(5)]
    with CaptureQueriesContext(connection) as queries:
        run(client, "close", *threads)
    (update,) = [query["sql"] for query in queries if query["sql"].startswith('UPDATE "django_chatkit')]
    written = update.partition("SET")[2].partition("WHERE")[0]
    assert written.count(" = ") == 2
    assert LogEntry.objects.count() == 5


def test_actions_work_on_a_searched_and_filtered_list(client, user):
    thread = make_thread(1, title="parcel", user=user)
    make_thread(2, title="refund")
    url = LIST + "?q=parcel&owner=user"
    client.post(url, {"action": "lock", "select_across": "1", "_selected_action": [thread.pk]})
    assert list(Thread.objects.values_list("status", flat=True).order_by("pk")) == ["locked", "active"]


def test_log_says_what_and_keeps_no_content(client):
    thread = make_thread(1, title="private matter")
    run(client, "lock", thread, status_reason="private reason")
    client.post(page_of(thread), form(thread, title="another private matter"))
    run(client, "delete_selected", thread, post="yes")
    assert [entry.action_flag for entry in LogEntry.objects.order_by("pk")] == [CHANGE, CHANGE, DELETION]
    for entry in LogEntry.objects.all():
        assert entry.object_repr == "thr_1"
        assert "private" not in entry.change_message
    assert LogEntry.objects.earliest("pk").get_change_message() == "status: locked"


# Deletion


def test_deleting_threads_takes_everything_with_them(client):
    thread, other = make_thread(1), make_thread(2)
    for owner in (thread, other):
        Feedback.objects.create(item=make_message(owner, 1, "x"), kind="positive")
    run(client, "delete_selected", thread, post="yes")
    assert list(Thread.objects.all()) == [other]
    assert ThreadItem.objects.count() == Feedback.objects.count() == 1
    client.post(page_of(other, "delete"), {"post": "yes"})
    assert not Thread.objects.exists()
    assert not ThreadItem.objects.exists()


def test_page_before_deletion_counts_items_and_does_not_list_them(client):
    thread = make_thread(1, title="Parcel")
    for number in range(30):
        make_message(thread, number, "x")
    html = client.get(page_of(thread, "delete")).content.decode()
    assert "Items: 30" in html
    assert "msg_7" not in html
    html = run(client, "delete_selected", thread).content.decode()
    assert "Items: 30" in html
    assert "msg_7" not in html


def test_deleting_a_user_takes_their_threads(client, user):
    make_message(make_thread(1, user=user), 1, "x")
    kept = make_thread(2)
    client.post(reverse("admin:auth_user_delete", args=[user.pk]), {"post": "yes"})
    assert list(Thread.objects.all()) == [kept]
    assert not ThreadItem.objects.exists()


# Who read


def test_reading_is_written_down_without_content(client, staff, caplog):
    thread = make_thread(1, title="private matter")
    with caplog.at_level(logging.INFO, "django_chatkit.audit"):
        client.get(page_of(thread))
        client.get(LIST)
    (record,) = [record for record in caplog.records if record.name == "django_chatkit.audit"]
    assert record.levelno == logging.INFO
    assert record.getMessage() == f"Thread thr_1 was read in the admin by user {staff.pk}"


def test_a_refused_reader_is_not_a_reader(user, caplog):
    thread = make_thread(1)
    with caplog.at_level(logging.INFO, "django_chatkit.audit"):
        allow(user).get(page_of(thread))
    assert not [record for record in caplog.records if record.name == "django_chatkit.audit"]
