"""Files in the admin: staff with the permission download them, and nobody else does."""

import pytest
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.base import ContentFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from django_chatkit.admin import ThreadAdmin
from django_chatkit.context import ChatKitContext
from django_chatkit.models import Attachment, Thread, ThreadItem, attachment_storage

from . import files

pytestmark = pytest.mark.django_db
FILES = "/admin/django_chatkit/attachment/"
MESSAGE = """{"type": "user_message", "content": [], "attachments":
  [{"id": "atc_1", "type": "image", "name": "<b>cat</b>.png", "mime_type": "image/png",
    "preview_url": "attachment:atc_1"}]}"""
PICTURE = '{"type": "generated_image", "image": {"id": "ig_1", "url": "attachment:atc_1"}}'


@pytest.fixture
def thread(user):
    thread = Thread.objects.create(thread_id="thr_1", user=user)
    item = ThreadItem.objects.create(thread=thread, item_id="msg_1", type="user_message", data=MESSAGE)
    row = Attachment(attachment_id="atc_1", name="cat.png", mime_type="image/png", size=len(files.PNG))
    row.give_to(ChatKitContext(user=user))
    row.thread, row.item, row.state = thread, item, "sent"
    row.file.save("x", ContentFile(files.PNG))
    yield thread
    files.empty_storage()


@pytest.fixture
def staff(client):
    person = get_user_model().objects.create_user("staff", password="staff", is_staff=True)
    client.force_login(person)
    return person


@pytest.fixture
def reader(staff):
    staff.user_permissions.add(Permission.objects.get(codename="view_thread"))
    return staff


def file_url(thread, attachment_id="atc_1"):
    return reverse("admin:django_chatkit_thread_attachment", args=[thread.pk, attachment_id])


def test_the_transcript_links_files(client, thread, reader):
    page = client.get(reverse("admin:django_chatkit_thread_change", args=[thread.pk])).content.decode()
    assert '<a href="attachments/atc_1/"' in page
    assert "&lt;b&gt;cat&lt;/b&gt;.png" in page
    assert file_url(thread).endswith("/change/attachments/atc_1/"), "the link is relative to the page"


def test_the_transcript_links_generated_pictures(client, thread, reader):
    ThreadItem.objects.update(type="generated_image", data=PICTURE)
    page = client.get(reverse("admin:django_chatkit_thread_change", args=[thread.pk])).content.decode()
    assert '<a href="attachments/atc_1/">Download the picture</a>' in page


def test_files_are_downloads_and_written_down(client, thread, reader, caplog):
    caplog.set_level("INFO", "django_chatkit.audit")
    response = client.get(file_url(thread))
    assert b"".join(response) == files.PNG
    assert response["Content-Disposition"] == 'attachment; filename="cat.png"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert "private, no-store" in response["Cache-Control"]
    assert f"Attachment atc_1 was read in the admin by user {reader.pk}" in caplog.text


def test_nobody_else_gets_them(client, thread, user, staff):
    assert client.get(file_url(thread)).status_code == 403, "staff without the permission"
    client.force_login(user)
    assert client.get(file_url(thread)).status_code == 302, "the owner, who is not staff"
    client.logout()
    assert client.get(file_url(thread)).status_code == 302


def test_only_files_of_this_thread(client, thread, reader, user):
    other = Thread.objects.create(thread_id="thr_2", user=user)
    assert client.get(file_url(other)).status_code == 404
    assert client.get(file_url(thread, "atc_2")).status_code == 404


def test_a_restricted_queryset_restricts_files(client, thread, reader, monkeypatch):
    model_admin = admin.site.get_model_admin(Thread)
    monkeypatch.setattr(model_admin, "get_queryset", lambda request: Thread.objects.none())
    assert client.get(file_url(thread)).status_code == 403


def test_missing_bytes(client, thread, reader):
    attachment_storage.delete(Attachment.objects.get().file.name)
    assert client.get(file_url(thread)).status_code == 404


# The list


def allow(staff, *codenames):
    staff.user_permissions.add(*Permission.objects.filter(codename__in=codenames))


@pytest.fixture
def unsent(user):
    row = Attachment(attachment_id="atc_2", name="<i>bill</i>.pdf", mime_type="application/pdf", size=2048)
    row.give_to(ChatKitContext(user=user))
    row.state = "uploaded"
    row.save()
    return row


def test_all_files_are_listed_sent_or_not(client, thread, reader, unsent):
    allow(reader, "view_attachment")
    html = client.get(FILES).content.decode()
    for text in (
        "cat.png",
        "image/png",
        "67\xa0bytes",
        "ann",
        "&lt;i&gt;bill&lt;/i&gt;.pdf",
        "2.0\xa0KB",
        "not sent",
    ):
        assert text in html
    assert f'href="{file_url(thread)}"' in html
    item = thread.items.get()
    assert f"?before={item.pk + 1}#item-{item.pk}" in html
    assert file_url(thread, "atc_2") not in html
    listed = client.get(FILES, {"state__exact": "uploaded"}).context["cl"].result_list
    assert list(listed) == [unsent]
    assert client.get(FILES, {"q": "thr_1"}).context["cl"].result_count == 1


def test_many_files_take_no_more_queries_than_one(client, thread, reader, django_assert_num_queries, user):
    allow(reader, "view_attachment")
    with CaptureQueriesContext(connection) as one:
        client.get(FILES)
    for number in range(3, 9):
        row = Attachment(
            attachment_id=f"atc_{number}", name="x", mime_type="text/plain", size=1, state="sent"
        )
        row.give_to(ChatKitContext(user=user))
        row.thread, row.item = thread, thread.items.get()
        row.save()
    with django_assert_num_queries(len(one)):
        client.get(FILES)


@pytest.mark.parametrize("permissions", [["view_thread"], ["view_attachment"]])
def test_the_list_needs_both_permissions(client, thread, staff, permissions):
    allow(staff, *permissions)
    assert client.get(FILES).status_code == 403


def test_restricted_staff_see_the_files_of_their_threads(client, thread, reader, unsent, monkeypatch):
    allow(reader, "view_attachment")
    monkeypatch.setattr(ThreadAdmin, "get_queryset", lambda self, request: Thread.objects.filter(title="x"))
    assert client.get(FILES).context["cl"].result_count == 0


def test_the_list_is_for_reading(client, thread, django_user_model):
    client.force_login(django_user_model.objects.create_superuser("boss"))
    row = Attachment.objects.get()
    assert client.get(f"{FILES}add/").status_code == 404
    assert client.get(f"{FILES}{row.pk}/change/").status_code == 404
    client.post(FILES, {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"})
    assert Attachment.objects.exists()
    deleted = client.post(f"/admin/django_chatkit/thread/{thread.pk}/delete/", {"post": "yes"})
    assert deleted.status_code == 302
    assert not Attachment.objects.exists()
