"""The list of threads, which costs the same with a hundred and with a hundred thousand of them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.contrib.admin.views.main import ChangeList
from django.db.models import Count, Max, Min
from django.utils import timezone

from django_chatkit.models import Feedback, Thread, ThreadItem, ThreadQuerySet

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

BIG_COLUMNS = ("status_reason", "allowed_image_domains", "metadata")


class ThreadChangeList(ChangeList):
    """A page of threads, with the numbers of items and of thumbs of each from one query each for the page."""

    def get_queryset(self, request: HttpRequest, exclude_parameters: Any = None) -> QuerySet[Thread]:
        threads = super().get_queryset(request, exclude_parameters)
        return DatedThreads(Thread, threads.query, threads.db).defer(*BIG_COLUMNS)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list = with_thumbs(with_item_counts(self.result_list))


def with_item_counts(threads: Iterable[Thread]) -> list[Thread]:
    """Counted for the page and not annotated: sorted by title, SQLite would count for every thread."""
    found = list(threads)
    items = ThreadItem.objects.filter(thread_id__in=[thread.thread_id for thread in found]).order_by()
    counts = dict(items.values_list("thread_id").annotate(Count("pk")))
    for thread in found:
        thread.item_count = counts.get(thread.thread_id, 0)  # type: ignore[attr-defined]
    return found


def with_thumbs(threads: list[Thread]) -> list[Thread]:
    """How many answers of each thread got thumbs up, and how many got thumbs down."""
    names = [thread.thread_id for thread in threads]
    rated = Feedback.objects.answers().filter(item__thread__thread_id__in=names).order_by()
    counts = {
        (thread_id, kind): count
        for thread_id, kind, count in rated.values_list("item__thread__thread_id", "kind").annotate(
            Count("pk")
        )
    }
    for thread in threads:
        thread.thumbs = {kind: counts.get((thread.thread_id, kind), 0) for kind in Feedback.Kind.values}  # type: ignore[attr-defined]
    return threads


class DatedThreads(ThreadQuerySet):
    """Threads for the date hierarchy, which needs their years, months or days."""

    def datetimes(self, field_name: str, kind: str, *args: Any, **kwargs: Any) -> Any:
        """All between the first and the last, be there threads or not: Django would truncate every row's."""
        span = self.aggregate(first=Min(field_name), last=Max(field_name))
        if span["first"] is None:
            return []
        return dates_between(to_local(span["first"]), to_local(span["last"]), kind)


def to_local(moment: datetime) -> date:
    return (timezone.localtime(moment) if timezone.is_aware(moment) else moment).date()


def dates_between(first: date, last: date, kind: str) -> list[date]:
    if kind == "year":
        return [date(year, 1, 1) for year in range(first.year, last.year + 1)]
    if kind == "month":
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [date(month // 12, month % 12 + 1, 1) for month in months]
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
