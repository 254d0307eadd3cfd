"""Whose a row is: the condition that every query starts from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self, TypeVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_chatkit.context import ChatKitContext

M = TypeVar("M", bound=models.Model)


def owned_by(context: ChatKitContext, prefix: str = "") -> models.Q | None:
    """The condition for rows of this person, server and tenant; None for somebody without an identity."""
    if context.user is not None:
        owner: dict[str, object] = {"user": context.user.pk}
    elif context.visitor:
        owner = {"visitor": context.visitor}
        if not context.streaming:  # an answer under way goes on when its visitor signs in
            owner["user__isnull"] = True
    else:
        return None
    scope = {"server": context.server, "tenant": context.tenant, **owner}
    return models.Q(**{prefix + name: value for name, value in scope.items()})


class OwnedQuerySet(models.QuerySet[M]):
    def owned_by(self, context: ChatKitContext) -> Self:
        """Only what belongs to the person behind this context."""
        condition = owned_by(context)
        return self.none() if condition is None else self.filter(condition)


class Owned(models.Model):
    """What belongs to one person, and to one server and tenant."""

    server = models.CharField(_("server"), max_length=64, default="default")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="chatkit_%(class)ss",
        verbose_name=_("user"),
    )
    visitor = models.CharField(_("visitor"), max_length=64, blank=True, default="")
    tenant = models.CharField(_("tenant"), max_length=255, blank=True, default="")

    class Meta:
        abstract = True
        indexes = [
            models.Index(fields=["user", "server", "tenant", "id"], name="chatkit_%(class)s_user"),
            models.Index(fields=["visitor", "server", "tenant", "id"], name="chatkit_%(class)s_visitor"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(user__isnull=False) | ~models.Q(visitor=""),
                name="chatkit_%(class)s_has_owner",
            ),
        ]

    def give_to(self, context: ChatKitContext) -> None:
        """Make the person behind this context the owner of a new row."""
        self.server, self.tenant = context.server, context.tenant
        owner: Any = context.user  # whatever AUTH_USER_MODEL says
        self.user = owner
        self.visitor = "" if context.user is not None else context.visitor
