"""What assistants wanted to do, who was asked for it, and what they said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .parts import FILTERS, PartAdmin, excerpt, first_question

if TYPE_CHECKING:
    from django_chatkit.models import Confirmation


class ConfirmationAdmin(PartAdmin):
    date_hierarchy = "created_at"
    list_display = [
        *("list_status", "tool", "question", "list_arguments"),
        *("thread", "owner", "server", "created_at", "answered_at"),
    ]
    list_filter = ["status", "tool", *FILTERS]
    ordering = ["-created_at", "-pk"]
    search_fields = ["tool", "arguments", "item__text", "item__thread__thread_id"]
    search_help_text = _("A tool, its arguments, words of the question, or a thread id.")
    sortable_by = ["list_status", "tool", "created_at", "answered_at"]

    @admin.display(description=_("status"), ordering="status")
    def list_status(self, row: Confirmation) -> str:
        return format_html(
            '<span class="chatkit-badge chatkit-{}">{}</span>', row.status, row.get_status_display()
        )

    @admin.display(description=_("question"))
    def question(self, row: Confirmation) -> str:
        return excerpt(first_question(row.item))

    @admin.display(description=_("arguments"))
    def list_arguments(self, row: Confirmation) -> str:
        return format_html("<code>{}</code>", excerpt(row.arguments))
