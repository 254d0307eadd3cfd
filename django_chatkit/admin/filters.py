"""The filters beside the list of threads: subqueries and no joins, so that no thread is listed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from django_chatkit.conf import conf
from django_chatkit.models import Feedback

if TYPE_CHECKING:
    from django.contrib.admin import ListFilter, ModelAdmin
    from django.db.models import QuerySet
    from django.http import HttpRequest

MAX_TENANTS = 50


class ServerFilter(admin.SimpleListFilter):
    """The configured servers, and whatever was configured once."""

    title = _("server")
    parameter_name = "server"
    field = "server"
    OTHER = "-"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [*((alias, alias) for alias in conf.CHATKIT_SERVERS), (self.OTHER, _("no longer configured"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == self.OTHER:
            return queryset.exclude(**{f"{self.field}__in": list(conf.CHATKIT_SERVERS)})
        return queryset.filter(**{self.field: self.value()}) if self.value() else queryset


class InThread:
    """For a list of what hangs on items: the filter looks at their threads."""

    field = "item__thread__server"


class OwnerFilter(admin.SimpleListFilter):
    title = _("owner")
    parameter_name = "owner"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [("user", _("signed in")), ("visitor", _("visitor"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in ("user", "visitor"):
            return queryset
        return queryset.filter(user__isnull=self.value() == "visitor")


class FeedbackFilter(admin.SimpleListFilter):
    """Threads in which at least one item has thumbs of this kind, each listed once."""

    title = _("feedback")
    parameter_name = "feedback"
    NONE = "none"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [*Feedback.Kind.choices, (self.NONE, _("none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        given = Feedback.objects.filter(item__thread=OuterRef("thread_id"))
        if self.value() == self.NONE:
            return queryset.filter(~Exists(given))
        if self.value() in Feedback.Kind.values:
            return queryset.filter(Exists(given.filter(kind=self.value())))
        return queryset


class ReasonFilter(admin.SimpleListFilter):
    title = _("reason")
    parameter_name = "reason"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        return [("given", _("given")), ("none", _("none"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "given":
                return queryset.exclude(reason="")
            case "none":
                return queryset.filter(reason="")
        return queryset


class TenantFilter(admin.SimpleListFilter):
    """The tenants, where the site has any; a site with very many searches for theirs."""

    title = _("tenant")
    parameter_name = "tenant"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin[Any]) -> list[tuple[Any, Any]]:
        used = model_admin.get_queryset(request).filter(~Q(tenant="")).order_by("tenant")
        tenants = list(used.values_list("tenant", flat=True).distinct()[: MAX_TENANTS + 1])
        return [(tenant, tenant) for tenant in tenants[:MAX_TENANTS]]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(tenant=self.value()) if self.value() else queryset


LIST_FILTER: list[type[ListFilter] | str] = [
    ServerFilter,
    "status",
    FeedbackFilter,
    OwnerFilter,
    TenantFilter,
]
