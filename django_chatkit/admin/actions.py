"""What staff can do to many threads at once. Each change is conditional on the status, and logged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import router, transaction
from django.utils.translation import gettext_lazy as _, ngettext

from django_chatkit.models import Thread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.admin import ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest

ACTIVE, LOCKED, CLOSED = Thread.Status.ACTIVE, Thread.Status.LOCKED, Thread.Status.CLOSED


@admin.action(description=_("Lock selected threads"), permissions=["change"])
def lock(modeladmin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Thread]) -> None:
    move(modeladmin, request, queryset, [ACTIVE], LOCKED)


@admin.action(description=_("Unlock selected threads"), permissions=["change"])
def unlock(modeladmin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Thread]) -> None:
    move(modeladmin, request, queryset, [LOCKED], ACTIVE)


@admin.action(description=_("Close selected threads"), permissions=["change"])
def close(modeladmin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Thread]) -> None:
    move(modeladmin, request, queryset, [ACTIVE, LOCKED], CLOSED)


@admin.action(description=_("Reopen selected threads"), permissions=["change"])
def reopen(modeladmin: ModelAdmin[Any], request: HttpRequest, queryset: QuerySet[Thread]) -> None:
    move(modeladmin, request, queryset, [CLOSED], ACTIVE)


def move(
    modeladmin: ModelAdmin[Any],
    request: HttpRequest,
    queryset: QuerySet[Thread],
    before: list[Thread.Status],
    after: Thread.Status,
) -> None:
    """Give the new status to those threads that still have one of the old ones."""
    reason = "" if after == ACTIVE else request.POST.get("status_reason", "").strip()
    threads = change_status(queryset, before, after, reason)
    if not threads:
        modeladmin.message_user(request, _("No thread had to be changed."), messages.WARNING)
        return
    log_status(request, threads, after)
    message = ngettext("%(count)d thread: %(status)s.", "%(count)d threads: %(status)s.", len(threads))
    text = message % {"count": len(threads), "status": after.label}
    modeladmin.message_user(request, text, messages.SUCCESS)


def change_status(
    queryset: QuerySet[Thread], before: list[Thread.Status], after: Thread.Status, reason: str
) -> list[Thread]:
    """Two columns in one update. Returns the threads that changed."""
    # Not `queryset` itself: a search joins the user, and PostgreSQL locks no outer join.
    wanted = Thread.objects.filter(pk__in=queryset.order_by().values("pk"), status__in=before)
    with transaction.atomic(using=router.db_for_write(Thread)):
        threads = list(wanted.select_for_update().only("pk", "thread_id"))
        Thread.objects.filter(pk__in=[thread.pk for thread in threads]).update(
            status=after, status_reason=reason
        )
    return threads


def log_status(request: HttpRequest, threads: Iterable[Thread], status: Thread.Status) -> None:
    LogEntry.objects.log_actions(
        user_id=request.user.pk,  # type: ignore[arg-type]
        queryset=[untitled(thread) for thread in threads],
        action_flag=CHANGE,
        change_message=f"status: {status.value}",
    )


def untitled(thread: Thread) -> Thread:
    """A stand-in for the admin's log, which outlives the thread: it keeps the id, not the title."""
    return Thread(pk=thread.pk, thread_id=thread.thread_id)
