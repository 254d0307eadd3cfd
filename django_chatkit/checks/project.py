"""Checks of the project around the chat: URLs, middleware, apps and templates."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.urls import NoReverseMatch, URLResolver, get_resolver, reverse
from django.utils.module_loading import import_string

from django_chatkit.checks.values import TAG


@register(TAG)
def check_urls(**kwargs: Any) -> list[CheckMessage]:
    if not getattr(settings, "ROOT_URLCONF", None):
        return []
    try:
        reverse("django_chatkit:api")
    except NoReverseMatch:
        return [missing_urls(find_urls(get_resolver()))]
    return []


def missing_urls(found: str | None) -> CheckMessage:
    hint = 'Add path("chatkit/", include("django_chatkit.urls")) to the project\'s own urlpatterns.'
    if found is None:
        return Error("The URLs of django_chatkit are not included.", hint=hint, id="chatkit.E010")
    if ":" in found:
        message = f"Only pages in the same namespace find the URLs of django_chatkit: {found!r}."
        return Warning(message, hint=hint, id="chatkit.W011")
    message = "The URLs of django_chatkit stand behind a prefix with arguments, so nobody can reverse them."
    return Error(message, hint=hint, id="chatkit.E010")


def find_urls(resolver: URLResolver) -> str | None:
    """The full namespace under which our URLs are included."""
    for name, (_, inner) in resolver.namespace_dict.items():
        if inner.app_name == "django_chatkit":
            return name
        if found := find_urls(inner):
            return f"{name}:{found}"
    return None


@register(TAG)
def check_middleware(**kwargs: Any) -> list[CheckMessage]:
    wanted: dict[str, tuple[type[Error] | type[Warning], str, str]] = {
        "django.middleware.csrf.CsrfViewMiddleware": (
            Error,
            "chatkit.E011",
            "without it the page gets no CSRF cookie, and every message is refused.",
        ),
        "django.contrib.sessions.middleware.SessionMiddleware": (
            Warning,
            "chatkit.W002",
            "without it nobody is signed in, and visitors cannot be told apart.",
        ),
        "django.contrib.auth.middleware.AuthenticationMiddleware": (
            Warning,
            "chatkit.W003",
            "without it nobody is signed in, so only servers with allow_anonymous can be used.",
        ),
    }
    return [
        kind(f"{path!r} is not in MIDDLEWARE: {why}", hint="Add it to MIDDLEWARE.", id=number)
        for path, (kind, number, why) in wanted.items()
        if not has_middleware(path)
    ]


def has_middleware(path: str) -> bool:
    wanted = import_string(path)
    return any(is_subclass(name, wanted) for name in settings.MIDDLEWARE)


def is_subclass(path: str, wanted: type) -> bool:
    try:
        found = import_string(path)
    except ImportError:
        return False
    return isinstance(found, type) and issubclass(found, wanted)


@register(TAG)
def check_auth(**kwargs: Any) -> list[CheckMessage]:
    if apps.is_installed("django.contrib.auth"):
        return []
    hint = "Add 'django.contrib.auth' and 'django.contrib.contenttypes' to INSTALLED_APPS."
    return [
        Error(
            "Threads belong to users, but 'django.contrib.auth' is not installed.",
            hint=hint,
            id="chatkit.E013",
        )
    ]


@register(TAG)
def check_templates(**kwargs: Any) -> list[CheckMessage]:
    processor = "django.template.context_processors.request"
    engines: list[dict[str, Any]] = settings.TEMPLATES
    options = [engine.get("OPTIONS", {}) for engine in engines if "DjangoTemplates" in engine["BACKEND"]]
    if not options or any(processor in given.get("context_processors", ()) for given in options):
        return []
    return [
        Warning(
            "{% chatkit_widget %} needs the request, which no template engine puts into the context.",
            hint=f"Add '{processor}' to the context_processors of TEMPLATES.",
            id="chatkit.W004",
        )
    ]
