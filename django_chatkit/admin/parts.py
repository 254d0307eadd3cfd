"""Lists of what hangs on the items of threads: read here, and changed by nobody but the chat itself."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from django_chatkit.models import Thread, ThreadItem

from .filters import InThread, ServerFilter

if TYPE_CHECKING:
    from django.contrib.admin import ListFilter
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.urls import URLPattern

    PartModelAdmin = admin.ModelAdmin[Any]
else:
    PartModelAdmin = admin.ModelAdmin

audit = logging.getLogger("django_chatkit.audit")

MAX_TEXT = 160


class PartServerFilter(InThread, ServerFilter):
    """The servers of the threads that the rows belong to."""


class PartAdmin(PartModelAdmin):
    """A list and nothing else. Whoever may not see a thread sees nothing of what hangs on it."""

    list_display_links = None
    list_per_page = 50
    list_select_related = ["item__thread__user"]
    show_full_result_count = False
    actions = None

    class Media:
        css = {"all": ["django_chatkit/admin.css"]}

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        threads = self.get_thread_admin()
        return (
            threads is not None
            and threads.has_view_or_change_permission(request)
            and super().has_view_permission(request, obj)
        )

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows go with their thread, so who may delete that may delete them. There is no other way."""
        threads = self.get_thread_admin()
        return threads is not None and threads.has_delete_permission(request)

    def get_thread_admin(self) -> Any:
        return self.admin_site._registry.get(Thread)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """A project may have restricted its staff to some threads."""
        threads = self.get_thread_admin().get_queryset(request).order_by()
        rows = super().get_queryset(request)
        return rows.filter(item__thread__in=threads.values("thread_id")) if threads.query.where else rows

    def get_urls(self) -> list[URLPattern]:
        """No pages of single rows."""
        return [url for url in super().get_urls() if str(url.name).endswith("_changelist")]

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Excerpts of conversations are in it, so it is written down who read them."""
        response = super().changelist_view(request, extra_context)
        audit.info("The list of %s was read in the admin by user %s", self.opts.model_name, request.user.pk)
        return response

    @admin.display(description=_("thread"))
    def thread(self, row: Any) -> str:
        """Leads to the item in its transcript."""
        item = row.item
        page = reverse(f"{self.admin_site.name}:django_chatkit_thread_change", args=[item.thread.pk])
        title = Truncator(str(item.thread)).chars(60)
        return format_html(
            '<a href="{}?before={}#item-{}" dir="auto">{}</a>', page, item.pk + 1, item.pk, title
        )

    @admin.display(description=_("server"))
    def server(self, row: Any) -> str:
        return str(row.item.thread.server)

    @admin.display(description=_("owner"))
    def owner(self, row: Any) -> str:
        return str(self.get_thread_admin().owner(row.item.thread))


def excerpt(text: str) -> str:
    """People's words, on a line."""
    return format_html(
        '<span lang="" dir="auto">{}</span>', Truncator(" ".join(text.split())).chars(MAX_TEXT)
    )


def first_question(item: ThreadItem) -> str:
    """What was asked; nothing where the item is not what the SDK writes."""
    try:
        return str(json.loads(item.data)["inputs"][0]["question"])
    except (ValueError, LookupError, TypeError):
        return ""


FILTERS: list[type[ListFilter] | str] = [PartServerFilter]
