"""Which files people have uploaded, sent or not, and how much room they take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import admin
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from .filters import OwnerFilter, ServerFilter
from .parts import PartAdmin

if TYPE_CHECKING:
    from django_chatkit.models import Attachment


class AttachmentAdmin(PartAdmin):
    date_hierarchy = "created_at"
    list_display = [
        *("file_name", "mime_type", "list_size", "list_state"),
        *("place", "owner", "server", "created_at"),
    ]
    list_filter = ["state", "mime_type", OwnerFilter, ServerFilter]
    list_select_related = ["user", "item__thread__user"]
    ordering = ["-created_at", "-pk"]
    search_fields = ["name", "attachment_id", "thread__thread_id"]
    sortable_by = ["file_name", "mime_type", "list_size", "created_at"]

    @admin.display(description=_("name"), ordering="name")
    def file_name(self, row: Attachment) -> str:
        """Leads to a download, for whoever may read the file's thread."""
        if row.item is None:
            return format_html('<span dir="auto">{}</span>', row.name)
        view = f"{self.admin_site.name}:django_chatkit_thread_attachment"
        address = reverse(view, args=[row.item.thread.pk, row.attachment_id])
        return format_html('<a href="{}" dir="auto">{}</a>', address, row.name)

    @admin.display(description=_("size"), ordering="size")
    def list_size(self, row: Attachment) -> str:
        return filesizeformat(row.size)

    @admin.display(description=_("state"), ordering="state")
    def list_state(self, row: Attachment) -> str:
        return str(row.get_state_display())

    @admin.display(description=_("thread"))
    def place(self, row: Attachment) -> str | None:
        return self.thread(row) if row.item else None

    @admin.display(description=_("owner"))
    def owner(self, row: Attachment) -> str:
        return str(self.get_thread_admin().owner(row))
