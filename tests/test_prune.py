"""``chatkit_prune``: what goes, what stays, and that a dry run changes nothing."""

from datetime import timedelta
from unittest.mock import patch

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command
from django.utils import timezone

from django_chatkit.context import ChatKitContext
from django_chatkit.models import Attachment, Thread, ThreadItem, attachment_storage

from . import files

pytestmark = pytest.mark.django_db(transaction=True)
LATER = timezone.now() + timedelta(hours=25)


def make(user, attachment_id, hours=25, **fields):
    row = Attachment(attachment_id=attachment_id, name="a.txt", mime_type="text/plain", size=5, **fields)
    row.give_to(ChatKitContext(user=user))
    row.created_at = timezone.now() - timedelta(hours=hours)
    row.file.save("x", ContentFile(b"hello"), save=False)
    row.save()
    return row


def left():
    return set(Attachment.objects.values_list("attachment_id", flat=True))


@pytest.fixture
def rows(user):
    thread = Thread.objects.create(thread_id="thr_1", user=user)
    item = ThreadItem.objects.create(thread=thread, item_id="msg_1", type="user_message", data="{}")
    make(user, "old_uploaded", state="uploaded")
    make(user, "old_pending", state="pending")
    make(user, "old_draft", state="sent", thread=thread)
    make(user, "young", hours=1, state="uploaded")
    make(user, "sent", state="sent", thread=thread, item=item)


def test_old_files_that_were_never_sent_go(rows, capsys):
    call_command("chatkit_prune")
    assert left() == {"young", "sent"}
    assert len(files.stored()) == 2
    assert "Deleted 3 files that were never sent (15\xa0bytes)." in capsys.readouterr().out


def test_a_dry_run_only_says_so(rows, capsys):
    call_command("chatkit_prune", "--dry-run")
    assert len(left()) == len(files.stored()) == 5
    assert "Would delete 3 files that were never sent" in capsys.readouterr().out


def test_hours(rows):
    call_command("chatkit_prune", "--hours", "0.5")
    assert left() == {"sent"}


def test_hours_must_not_be_negative(db):
    with pytest.raises(CommandError):
        call_command("chatkit_prune", "--hours", "-1")


def test_old_bytes_without_a_row_go(rows, capsys):
    attachment_storage.save("chatkit/2020/01/atc_stray", ContentFile(b"hello"))
    attachment_storage.save("elsewhere/file", ContentFile(b"not ours"))
    call_command("chatkit_prune")
    assert "chatkit/2020/01/atc_stray" in files.stored(), "it may be on its way in"
    with patch("django.utils.timezone.now", return_value=LATER):
        call_command("chatkit_prune", "--dry-run")
        assert "Would delete 1 stored files that belong to no attachment." in capsys.readouterr().out
        assert "chatkit/2020/01/atc_stray" in files.stored()
        call_command("chatkit_prune")
    assert len(files.stored()) == 1
    assert left() == {"sent"}
    assert attachment_storage.exists("elsewhere/file")
    attachment_storage.delete("elsewhere/file")


def test_storages_that_cannot_list(rows, capsys):
    with patch.object(type(attachment_storage._wrapped), "listdir", side_effect=NotImplementedError):
        call_command("chatkit_prune")
    assert left() == {"young", "sent"}
    assert "cannot list" in capsys.readouterr().out


def test_nothing_to_do(db, capsys):
    call_command("chatkit_prune")
    assert "Deleted 0 files that were never sent" in capsys.readouterr().out


def test_many_rows_go_in_batches(user, monkeypatch):
    monkeypatch.setattr("django_chatkit.management.commands.chatkit_prune.BATCH", 2)
    for number in range(5):
        make(user, f"old_{number}", state="uploaded")
    call_command("chatkit_prune")
    assert (left(), files.stored()) == (set(), [])


def test_what_a_message_takes_meanwhile_stays(user):
    """Between looking and deleting."""
    row = make(user, "old", state="uploaded")
    found = Attachment.objects.filter(pk=row.pk)
    with patch.object(
        type(found), "unsent", lambda self: self.filter(item__isnull=True).exclude(state="sent")
    ):
        Attachment.objects.update(state="sent")
        assert found.discard(*Attachment.State.values) == 0
    assert left() == {"old"}
