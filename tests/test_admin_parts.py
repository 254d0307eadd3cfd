"""Lists of feedback and confirmations: what staff find, what they may see, what it costs."""

import json
import logging
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from django_chatkit.admin import ThreadAdmin
from django_chatkit.models import Confirmation, Feedback, Thread, ThreadItem

from .test_admin import LIST, XSS, allow, log_in, make_item, make_thread, page_of
from .test_transcript import Page

pytestmark = pytest.mark.django_db

FEEDBACK = "/admin/django_chatkit/feedback/"
CONFIRMATIONS = "/admin/django_chatkit/confirmation/"
BOTH = pytest.mark.parametrize("url", [FEEDBACK, CONFIRMATIONS])


@pytest.fixture
def client(django_user_model):
    return log_in(django_user_model.objects.create_superuser("boss", "boss@example.com", "boss"))


def rate(thread, number=1, kind="negative", text="An answer", **fields):
    item = make_item(thread, number, "assistant_message", text=text)
    return Feedback.objects.create(item=item, kind=kind, **fields)


def confirm(thread, number=1, question="Cancel order 7?", **fields):
    data = {"status": "answered", "inputs": [{"id": "confirm", "question": question}]}
    item = make_item(thread, number, "structured_input", text=question, data=json.dumps(data))
    fields = {"tool": "cancel_order", "arguments": '{"order_id": 7}', **fields}
    return Confirmation.objects.create(item=item, expires_at=timezone.now() + timedelta(hours=1), **fields)


def rows(response):
    return list(response.context["cl"].result_list)


def words(client, url):
    return Page(client.get(url).content.decode()).text


# Feedback


def test_feedback_is_listed_with_answer_reason_and_thread(client, user):
    thread = make_thread(1, title="Lost parcel", user=user)
    given = rate(thread, text="It is in Rome.", reason="It is not correct.")
    html = client.get(FEEDBACK).content.decode()
    for text in ("It is in Rome.", "It is not correct.", "Lost parcel", "ann", "default", "negative"):
        assert text in html
    link = f"{page_of(thread)}?before={given.item.pk + 1}#item-{given.item.pk}"
    assert f'href="{link}"' in html
    assert f'id="item-{given.item.pk}"' in client.get(link.partition("#")[0]).content.decode()


def test_an_answer_is_listed_once(client, user):
    thread = make_thread(1, user=user)
    rate(thread, 1, is_main=False)
    main = rate(thread, 2)
    assert rows(client.get(FEEDBACK)) == [main]


def test_feedback_is_filtered_and_searched(client, user):
    here, there = make_thread(1, user=user), make_thread(2, user=user, server="gone")
    good = rate(here, 1, "positive", "apples")
    bad = rate(here, 2, "negative", "pears", reason="too green")
    old = rate(there, 3, "negative", "plums")
    Feedback.objects.filter(pk=old.pk).update(updated_at=timezone.now() - timedelta(days=400))
    year = timezone.localdate().year
    for query, expected in {
        "kind__exact=positive": {good},
        "kind__exact=negative": {bad, old},
        "reason=given": {bad},
        "reason=none": {good, old},
        "reason=nonsense": {good, bad, old},
        "server=default": {good, bad},
        "server=-": {old},
        "q=apples": {good},
        "q=green": {bad},
        "q=thr_2": {old},
        f"updated_at__year={year}": {good, bad},
    }.items():
        assert set(rows(client.get(f"{FEEDBACK}?{query}"))) == expected, query


def test_threads_count_answers_by_thumbs(client, user):
    thread = make_thread(1, user=user)
    make_thread(2, user=user)
    rate(thread, 1, "negative", is_main=False)
    rate(thread, 2, "negative")
    rate(thread, 3, "negative")
    rate(thread, 4, "positive")
    found = {row.thread_id: row.thumbs for row in rows(client.get(LIST))}
    none = {"positive": 0, "negative": 0}
    assert found == {"thr_1": {"positive": 1, "negative": 2}, "thr_2": none}
    html = client.get(LIST).content.decode()
    assert 'aria-label="positive: 1"' in html
    assert 'aria-label="negative: 2"' in html


def test_the_reason_stands_in_the_transcript(client, user):
    thread = make_thread(1, user=user)
    rate(thread, reason="It is not correct.")
    assert "Reason given by the person It is not correct." in " ".join(words(client, page_of(thread)).split())


# Confirmations


def test_confirmations_are_listed_with_what_was_asked_and_answered(client, user):
    thread = make_thread(1, title="Order 7", user=user)
    confirm(thread, status="confirmed", answered_at=timezone.now())
    html = client.get(CONFIRMATIONS).content.decode()
    for text in ("cancel_order", "Cancel order 7?", "&quot;order_id&quot;: 7", "confirmed", "ann", "Order 7"):
        assert text in html


def test_confirmations_are_filtered_and_searched(client, user):
    thread, other = make_thread(1, user=user), make_thread(2, user=user, server="sales")
    yes = confirm(thread, 1, status="confirmed")
    no = confirm(thread, 2, status="declined", tool="refund", arguments="{}")
    waiting = confirm(other, 3, question="Delete it?", arguments="{}")
    for query, expected in {
        "status__exact=confirmed": {yes},
        "status__exact=pending": {waiting},
        "tool=refund": {no},
        "server=sales": {waiting},
        "q=order_id": {yes},
        "q=Delete": {waiting},
    }.items():
        assert set(rows(client.get(f"{CONFIRMATIONS}?{query}"))) == expected, query


def test_a_confirmation_stands_beside_its_question(client, user):
    thread = make_thread(1, user=user)
    confirm(thread, status="declined", answered_at=timezone.now())
    confirm(thread, 2)
    text = " ".join(words(client, page_of(thread)).split())
    assert text.count("Tool: cancel_order") == 2
    assert "declined" in text
    assert "a yes counts until" in text


def test_a_question_that_cannot_be_read(client, user):
    found = confirm(make_thread(1, user=user))
    ThreadItem.objects.filter(pk=found.item.pk).update(data="not JSON")
    assert client.get(CONFIRMATIONS).status_code == 200


# Both


@BOTH
def test_query_count_does_not_grow_with_the_rows(client, user, url):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    def add(number):
        thread = make_thread(number, user=user if number % 2 else None)
        rate(thread, 1, reason="r")
        confirm(thread, 2)

    add(1)
    client.get(url)
    before = count()
    for number in range(2, 12):
        add(number)
    assert count() == before


@BOTH
def test_texts_of_people_do_nothing(client, user, url):
    thread = make_thread(1, title=XSS, user=user)
    rate(thread, 1, text=XSS, reason=XSS)
    confirm(thread, 2, question=XSS, arguments=XSS)
    html = client.get(url).content.decode()
    assert XSS not in html
    assert html.count("&lt;script&gt;alert(1)") >= 3


@BOTH
def test_nobody_writes(client, user, url):
    thread = make_thread(1, user=user)
    found = [rate(thread, 1), confirm(thread, 2)]
    pk = found[url == CONFIRMATIONS].pk
    for path in ("add/", f"{pk}/change/", f"{pk}/delete/", f"{pk}/history/", f"{pk}/"):
        assert client.get(url + path).status_code == 404
        assert client.post(url + path, {"post": "yes"}).status_code == 404
    client.post(url, {"action": "delete_selected", "_selected_action": [pk], "post": "yes"})
    assert (Feedback.objects.count(), Confirmation.objects.count()) == (1, 1)


@BOTH
def test_who_may_see_the_list(user, url):
    name = url.split("/")[-2]
    rate(make_thread(1, user=user))
    for permissions, status in [
        ((), 403),
        (("view_thread",), 403),
        ((f"view_{name}",), 403),
        (("view_thread", f"view_{name}"), 200),
    ]:
        assert allow(user, *permissions).get(url).status_code == status


@BOTH
def test_staff_of_some_threads_see_no_others(client, user, url, monkeypatch):
    for number, server in ((1, "default"), (2, "sales")):
        thread = make_thread(number, user=user, server=server)
        rate(thread, 1)
        confirm(thread, 2)
    assert len(rows(client.get(url))) == 2
    everything = ThreadAdmin.get_queryset
    monkeypatch.setattr(
        ThreadAdmin, "get_queryset", lambda self, request: everything(self, request).filter(server="sales")
    )
    assert [row.item.thread.server for row in rows(client.get(url))] == ["sales"]


@BOTH
def test_without_threads_in_the_admin_there_is_no_list(client, user, url, monkeypatch):
    monkeypatch.delitem(admin.site._registry, Thread)
    assert client.get(url).status_code == 403


def test_deleting_a_thread_asks_for_nothing_more(user, other_user):
    thread = make_thread(1, user=user)
    rate(thread, 1)
    confirm(thread, 2)
    staff = allow(other_user, "view_thread", "delete_thread")
    assert staff.post(page_of(thread, "delete"), {"post": "yes"}).status_code == 302
    assert not Thread.objects.exists()
    assert not Feedback.objects.exists()


@BOTH
def test_reading_is_logged_without_content(client, user, url, caplog):
    rate(make_thread(1, user=user), text="secret words")
    with caplog.at_level(logging.INFO, logger="django_chatkit.audit"):
        client.get(url)
    [record] = [record for record in caplog.records if record.name == "django_chatkit.audit"]
    assert "was read in the admin by user" in record.getMessage()
    assert "secret" not in record.getMessage()
