"""What people think of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connections, models, router, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _, pgettext_lazy

from django_chatkit.signals import feedback_given

from .thread import Thread, ThreadItem

if TYPE_CHECKING:
    from django_chatkit.context import ChatKitContext


def get_main(items: dict[int, str]) -> int | None:
    """Of the items of an answer, by type: its last message, or else its last item."""
    messages = [pk for pk, type_ in items.items() if type_ == ThreadItem.Type.ASSISTANT_MESSAGE]
    return max(messages or items, default=None)


class FeedbackManager(models.Manager["Feedback"]):
    def answers(self) -> models.QuerySet[Feedback]:
        """One row for each answer that was rated, to be counted."""
        return self.filter(is_main=True)

    def give(self, thread_id: str, item_ids: list[str], kind: str, context: ChatKitContext) -> None:
        """Rate items of an answer; rating again changes it. Other people's items are left alone."""
        with transaction.atomic(using=router.db_for_write(Feedback)):
            Thread.objects.owned_by(context).filter(thread_id=thread_id).take()  # nobody deletes items now
            self._rate(thread_id, item_ids, kind, context)
        feedback_given.send(Feedback, thread_id=thread_id, item_ids=item_ids, kind=kind, context=context)

    def _rate(self, thread_id: str, item_ids: list[str], kind: str, context: ChatKitContext) -> None:
        items = ThreadItem.objects.owned_by(context).filter(thread_id=thread_id, item_id__in=item_ids)
        types = dict(items.order_by("pk").values_list("pk", "type"))
        main = get_main(types)
        now = timezone.now()
        rows = [Feedback(item_id=pk, kind=kind, is_main=pk == main, updated_at=now) for pk in types]
        features = connections[router.db_for_write(Feedback)].features
        # What was said of the old opinion is not said of the new one.
        self.filter(item__in=types).exclude(kind=kind).update(reason="")
        self.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["item"] if features.supports_update_conflicts_with_target else None,
            update_fields=["kind", "is_main", "updated_at"],
        )


class Feedback(models.Model):
    """What the thread's owner thinks of an item: thumbs up or down."""

    class Kind(models.TextChoices):
        POSITIVE = "positive", _("positive")
        NEGATIVE = "negative", _("negative")

    item = models.OneToOneField(
        ThreadItem, on_delete=models.CASCADE, related_name="feedback", verbose_name=_("item")
    )
    kind = models.CharField(_("kind"), max_length=16, choices=Kind.choices)
    # A click rates all items of an answer, and the same click again does nothing new.
    is_main = models.BooleanField(
        _("counts"), default=True, help_text=_("Does this row stand for the whole answer?")
    )
    question = models.ForeignKey(
        ThreadItem,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="asked_about",
        verbose_name=_("question"),
    )
    reason = models.TextField(_("reason"), blank=True, default="")
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    updated_at = models.DateTimeField(_("changed at"), default=timezone.now)

    objects = FeedbackManager()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = pgettext_lazy("plural", "feedback")
        indexes = [models.Index(fields=["updated_at"], name="chatkit_feedback_updated")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.item}"
