"""Files that people sent, and pictures that models made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.db import models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .owned import Owned, OwnedQuerySet
from .storage import get_storage
from .thread import Thread, ThreadItem

if TYPE_CHECKING:
    from django.core.files import File

    from django_chatkit.context import ChatKitContext


def storage_path(attachment: Attachment, filename: str) -> str:
    """A name of ours, without an ending: no web server takes such a file for a page."""
    return f"chatkit/{timezone.now():%Y/%m}/{attachment.attachment_id}"


class AttachmentQuerySet(OwnedQuerySet["Attachment"]):
    """Each change of state is one UPDATE that names the state before, so that of two only one wins."""

    def unsent(self) -> Self:
        """Uploads that no message has taken."""
        return self.filter(item__isnull=True)

    def claim(self, attachment_ids: list[str], context: ChatKitContext) -> bool:
        """Take uploads for one message: all of them, or none where one is not to be had (any more)."""
        with transaction.atomic(using=router.db_for_write(Attachment)):
            mine = self.owned_by(context).filter(attachment_id__in=attachment_ids)
            taken = mine.filter(state=Attachment.State.UPLOADED).update(state=Attachment.State.SENT)
            if taken != len(attachment_ids):
                transaction.set_rollback(True, using=router.db_for_write(Attachment))
        return taken == len(attachment_ids)

    def release(self, attachment_ids: list[str], context: ChatKitContext) -> None:
        """Give back what ``claim()`` took for a message that was never stored."""
        mine = self.owned_by(context).filter(attachment_id__in=attachment_ids)
        mine.unsent().filter(state=Attachment.State.SENT).update(state=Attachment.State.UPLOADED)

    def link(self, attachment_ids: list[str], item: ThreadItem, context: ChatKitContext) -> None:
        """Tie attachments to the item that shows them. One that is tied stays where it is."""
        mine = self.owned_by(context).filter(attachment_id__in=attachment_ids)
        stored = ThreadItem.objects.filter(thread_id=item.thread_id, item_id=item.item_id)
        mine.unsent().update(item=stored.values("pk")[:1], thread=item.thread_id, state=Attachment.State.SENT)

    def discard(self, *states: str) -> int:
        """Delete those of these rows that are in one of the states and in no message; how many they were."""
        with transaction.atomic(using=router.db_for_write(Attachment)):
            keys = list(self.values_list("pk", flat=True))
            found = Attachment.objects.unsent().filter(pk__in=keys, state__in=states)
            found.update(size=models.F("size"))  # locks them: a message that wants one now has to wait
            return found.delete()[1].get(Attachment._meta.label, 0)


class Attachment(Owned):
    """A file that a person sent, or a picture that a model made. Its bytes lie in a storage."""

    class State(models.TextChoices):
        PENDING = "pending", _("not uploaded")
        UPLOADED = "uploaded", _("not sent")
        SENT = "sent", _("sent")

    attachment_id = models.CharField(_("attachment id"), max_length=255, unique=True)
    thread = models.ForeignKey(
        Thread,
        to_field="thread_id",
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("thread"),
    )
    thread_id: str | None
    item = models.ForeignKey(
        ThreadItem,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="attachments",
        verbose_name=_("item"),
    )
    state = models.CharField(_("state"), max_length=16, choices=State.choices, default=State.PENDING)
    name = models.CharField(_("name"), max_length=255)
    mime_type = models.CharField(_("type"), max_length=255)
    size = models.BigIntegerField(_("size"), help_text=_("In bytes."))
    file = models.FileField(
        _("file"), storage=get_storage, upload_to=storage_path, max_length=255, blank=True
    )
    created_at = models.DateTimeField(_("created at"), default=timezone.now)

    objects = AttachmentQuerySet.as_manager()

    class Meta(Owned.Meta):
        abstract = False
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        indexes = [
            *Owned.Meta.indexes,
            models.Index(fields=["created_at"], name="chatkit_attachment_created"),
        ]

    def __str__(self) -> str:
        return self.name

    def open(self) -> File[bytes]:
        """The bytes, to be read. Raises FileNotFoundError where the storage has them no more."""
        return self.file.storage.open(self.file.name or "")

    def delete_bytes(self) -> None:
        """Raises what the storage raises."""
        if self.file.name:
            self.file.storage.delete(self.file.name)
