"""The list of threads, and the page of one thread with its transcript."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth import get_user_model
from django.core.exceptions import PermissionDenied
from django.db.models import Q
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.text import Truncator, smart_split, unescape_string_literal
from django.utils.translation import gettext_lazy as _

from django_chatkit.downloads import file_response
from django_chatkit.models import Attachment, Feedback, Thread, ThreadItem
from django_chatkit.transcript import pretty

from .actions import close, lock, reopen, unlock, untitled
from .changelist import ThreadChangeList
from .filters import LIST_FILTER
from .forms import ThreadActionForm, ThreadForm
from .transcript import get_transcript

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.contrib.admin.views.main import ChangeList
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse
    from django.http.response import HttpResponseBase
    from django.urls import URLPattern

    ThreadModelAdmin = admin.ModelAdmin[Thread]
else:
    ThreadModelAdmin = admin.ModelAdmin

audit = logging.getLogger("django_chatkit.audit")

VISITOR_LENGTH = 8


class ThreadAdmin(ThreadModelAdmin):
    """Staff read threads, rename, lock, close and delete them. Nobody writes in anybody's name.

    Restrict staff to some threads by overriding ``get_queryset(request)``, as in any ModelAdmin.
    """

    form = ThreadForm
    action_form = ThreadActionForm
    actions = [lock, unlock, close, reopen]
    date_hierarchy = "updated_at"
    list_display = ["list_title", "owner", "server", "list_status", "item_count", "updated_at", "thumbs"]
    list_display_links = ["list_title"]
    list_filter = LIST_FILTER  # type: ignore[assignment]  # lists are invariant
    list_per_page = 50
    list_select_related = ["user"]
    ordering = ["-updated_at", "-pk"]
    search_help_text = _("Title, owner, tenant, thread id, or words of the conversation.")
    # Counting all threads a second time for "7 results (100000 total)" is not worth it.
    show_full_result_count = False
    sortable_by = ["list_title", "server", "list_status", "updated_at"]
    fieldsets = [
        (None, {"fields": ["title", "status", "status_reason", ("owner", "server", "updated_at")]}),
        (
            _("Details"),
            {
                "classes": ["collapse"],
                "fields": [
                    "thread_id",
                    "visitor",
                    "tenant",
                    "created_at",
                    "image_domains",
                    "pretty_metadata",
                ],
            },
        ),
    ]
    readonly_fields = [
        "thread_id",
        "owner",
        "visitor",
        "server",
        "tenant",
        "created_at",
        "updated_at",
        "image_domains",
        "pretty_metadata",
    ]

    class Media:
        css = {"all": ["django_chatkit/admin.css"]}

    def has_add_permission(self, request: HttpRequest) -> bool:
        """A thread begins with a message of its owner, so never here."""
        return False

    # The list

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ThreadChangeList

    def get_search_fields(self, request: HttpRequest) -> list[str]:
        names = ["title", "thread_id", "visitor", "tenant"]
        return [*names, *(f"user__{name}" for name in user_name_fields())]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Thread], search_term: str
    ) -> tuple[QuerySet[Thread], bool]:
        """Every word somewhere: in the thread, its owner's name or one of its items."""
        for word in split_words(search_term):
            names = self.get_search_fields(request)
            in_thread = Q(*((f"{name}__icontains", word) for name in names), _connector=Q.OR)
            # A subquery that does not depend on the thread: the database looks through the items
            # once, not once for each thread, and a join would list threads twice.
            in_items = Q(thread_id__in=ThreadItem.objects.filter(text__icontains=word).values("thread_id"))
            queryset = queryset.filter(in_thread | in_items)
        return queryset, False

    @admin.display(description=_("title"), ordering="title")
    def list_title(self, thread: Thread) -> str:
        return format_html('<span dir="auto">{}</span>', Truncator(str(thread)).chars(80))

    @admin.display(description=_("owner"))
    def owner(self, thread: Thread) -> str:
        if thread.user is None:
            short_id = thread.visitor[:VISITOR_LENGTH]
            return format_html("{} <code>{}</code>", _("visitor"), short_id)
        return format_html('<span dir="auto">{}</span>', thread.user.get_username())

    @admin.display(description=_("status"), ordering="status")
    def list_status(self, thread: Thread) -> str:
        return format_html(
            '<span class="chatkit-badge chatkit-{}">{}</span>', thread.status, thread.get_status_display()
        )

    @admin.display(description=_("items"))
    def item_count(self, thread: Thread) -> int:
        return thread.item_count  # type: ignore[attr-defined, no-any-return]

    @admin.display(description=_("feedback"))
    def thumbs(self, thread: Thread) -> str | None:
        signs = {Feedback.Kind.POSITIVE: "▲", Feedback.Kind.NEGATIVE: "▼"}  # not every system has emoji
        given = [(kind.label, signs[kind], count) for kind in signs if (count := thread.thumbs[kind])]  # type: ignore[attr-defined]
        badge = '<span class="chatkit-thumbs" role="img" aria-label="{0}: {2}">{1}\u202f{2}</span>'
        return format_html_join(" ", badge, given) or None

    # The page of one thread

    @admin.display(description=_("allowed image domains"))
    def image_domains(self, thread: Thread) -> str | None:
        return ", ".join(map(str, thread.allowed_image_domains or [])) or None

    @admin.display(description=_("metadata"))
    def pretty_metadata(self, thread: Thread) -> str:
        return format_html('<pre class="chatkit-json">{}</pre>', pretty(thread.metadata))

    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: Any = None,
    ) -> HttpResponse:
        """The one place where a transcript is shown, and so where it is written down who read it."""
        audit.info("Thread %s was read in the admin by user %s", obj.thread_id, request.user.pk)
        context["transcript"] = get_transcript(obj, request.GET)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def get_urls(self) -> list[URLPattern]:
        file = path(
            "<path:object_id>/change/attachments/<slug:attachment_id>/",
            self.admin_site.admin_view(self.download),
            name="django_chatkit_thread_attachment",
        )
        return [file, *super().get_urls()]

    def download(self, request: HttpRequest, object_id: str, attachment_id: str) -> HttpResponseBase:
        """A file of a thread that this person may see: to keep, and never shown by the browser."""
        thread = self.get_object(request, unquote(object_id))
        if thread is None or not self.has_view_or_change_permission(request, thread):
            raise PermissionDenied
        row = get_object_or_404(Attachment, thread_id=thread.thread_id, attachment_id=attachment_id)
        audit.info("Attachment %s was read in the admin by user %s", row.attachment_id, request.user.pk)
        try:
            response = file_response(request, row, in_place=False)
        except FileNotFoundError:
            raise Http404 from None
        response["Cache-Control"] = "private, no-store"
        return response

    def save_model(self, request: HttpRequest, obj: Thread, form: ThreadForm, change: bool) -> None:
        """Only the changed columns: an answer may be writing the others at this moment."""
        changes = form.changes()
        if changes:
            Thread.objects.filter(pk=obj.pk).update(**changes)
        obj.refresh_from_db()

    # The admin's log

    def log_change(self, request: HttpRequest, obj: Thread, message: Any) -> Any:
        return super().log_change(request, untitled(obj), message)

    def log_deletions(self, request: HttpRequest, queryset: Iterable[Thread]) -> Any:
        threads: Any = [untitled(thread) for thread in queryset]
        return super().log_deletions(request, threads)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Items are counted and not listed: there may be thousands."""
        deletable, *rest = super().get_deleted_objects(objs, request)
        return [entry for entry in deletable if not isinstance(entry, list)], *rest


def user_name_fields() -> list[str]:
    """The user model's name and, where it has one, e-mail field."""
    user_model = get_user_model()
    names = [user_model.USERNAME_FIELD]
    email = user_model.get_email_field_name()
    if email not in names and any(field.name == email for field in user_model._meta.get_fields()):
        names.append(email)
    return names


def split_words(search_term: str) -> list[str]:
    """As the admin does it: at spaces, and "what is quoted" stays together."""
    return [
        unescape_string_literal(word) if len(word) > 1 and word[0] in "\"'" and word[0] == word[-1] else word
        for word in smart_split(search_term)
    ]
