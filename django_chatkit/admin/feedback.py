"""Which answers people liked and which not, and why: one row for each answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .filters import ReasonFilter
from .parts import FILTERS, PartAdmin, excerpt

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from django_chatkit.models import Feedback


class FeedbackAdmin(PartAdmin):
    date_hierarchy = "updated_at"
    list_display = ["thumb", "answer", "list_reason", "thread", "owner", "server", "updated_at"]
    list_filter = ["kind", ReasonFilter, *FILTERS]
    ordering = ["-updated_at", "-pk"]
    search_fields = ["reason", "item__text", "item__thread__thread_id"]
    search_help_text = _("Words of the answer or of the reason, or a thread id.")
    sortable_by = ["thumb", "updated_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).filter(is_main=True)

    @admin.display(description=_("kind"), ordering="kind")
    def thumb(self, row: Feedback) -> str:
        badge = '<span class="chatkit-badge chatkit-{}">{}</span>'
        return format_html(badge, row.kind, row.get_kind_display())

    @admin.display(description=_("answer"))
    def answer(self, row: Feedback) -> str:
        return excerpt(row.item.text)

    @admin.display(description=_("reason"))
    def list_reason(self, row: Feedback) -> str | None:
        return excerpt(row.reason) if row.reason else None
