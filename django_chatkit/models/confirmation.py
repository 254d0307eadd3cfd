"""What a tool waits for: a person's yes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .owned import owned_by
from .thread import ThreadItem

if TYPE_CHECKING:
    from django_chatkit.context import ChatKitContext


class ConfirmationQuerySet(models.QuerySet["Confirmation"]):
    def owned_by(self, context: ChatKitContext) -> ConfirmationQuerySet:
        """Only those that the person behind this context was asked for."""
        condition = owned_by(context, "item__thread__")
        return self.none() if condition is None else self.filter(condition)


class Confirmation(models.Model):
    """A tool call that waits for a person's yes. What is recorded here is what runs: once, or never."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        CONFIRMED = "confirmed", _("confirmed")
        DECLINED = "declined", _("declined")
        EXPIRED = "expired", _("expired")

    item = models.OneToOneField(
        ThreadItem, on_delete=models.CASCADE, related_name="confirmation", verbose_name=_("question")
    )
    tool = models.CharField(_("tool"), max_length=255)
    arguments = models.TextField(_("arguments"), help_text=_("JSON, as the model wrote it."))
    status = models.CharField(_("status"), max_length=16, choices=Status.choices, default=Status.PENDING)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires at"))
    answered_at = models.DateTimeField(_("answered at"), null=True, blank=True)

    objects = ConfirmationQuerySet.as_manager()

    class Meta:
        verbose_name = _("confirmation")
        verbose_name_plural = _("confirmations")

    def __str__(self) -> str:
        return f"{self.tool}: {self.Status(self.status).label}"

    def settle(self, status: Status) -> bool:
        """Leave the pending state. Of all requests that try, one gets True."""
        mine = type(self).objects.filter(pk=self.pk, status=self.Status.PENDING)
        settled = mine.update(status=status, answered_at=timezone.now()) == 1
        if settled:
            self.status = status
        return settled
