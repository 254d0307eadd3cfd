"""Checks for ``check --deploy``: what is fine on a laptop and not on the internet."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from django_chatkit.checks.servers import server_paths
from django_chatkit.checks.values import TAG
from django_chatkit.conf import LOCAL_DOMAIN_KEY, conf
from django_chatkit.csp import SELF, origin_of


@register(TAG, deploy=True)
def check_domain_key(**kwargs: Any) -> list[CheckMessage]:
    key = conf.CHATKIT_DOMAIN_KEY
    # The samples of OpenAI, for one, have domain_pk_localhost_dev.
    if "local" not in str(key).lower() or origin_of(conf.CHATKIT_SCRIPT_URL) == SELF:
        return []
    what = "is not set" if key == LOCAL_DOMAIN_KEY else f"is {key!r}, which is no real key"
    return [
        Warning(
            f"CHATKIT_DOMAIN_KEY {what}: on a public domain the chat disappears after a second or two.",
            hint="Add the domain to OpenAI's domain allowlist, and set CHATKIT_DOMAIN_KEY to its key.",
            id="chatkit.W008",
        )
    ]


@register(TAG, deploy=True)
def check_demo_server(**kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"CHATKIT_SERVERS[{alias!r}] is the demo, which only pretends to answer.",
            hint="Write a server class of your own; the quickstart shows how.",
            id="chatkit.W009",
        )
        for alias, path in server_paths().items()
        if path == "django_chatkit.demo.DemoServer"
    ]


@register(TAG, deploy=True)
def check_asgi(**kwargs: Any) -> list[CheckMessage]:
    if runs_under_asgi():
        return []
    return [
        Warning(
            "Nothing says that this site runs under ASGI. Under WSGI every open answer occupies a thread.",
            hint="Serve asgi.py with an ASGI server such as uvicorn, and set ASGI_APPLICATION to say so.",
            id="chatkit.W001",
        )
    ]


def runs_under_asgi() -> bool:
    """As far as the settings tell: uvicorn, for one, leaves no trace in them."""
    return bool(getattr(settings, "ASGI_APPLICATION", None)) or apps.is_installed("daphne")


@register(TAG, deploy=True)
def check_connections(**kwargs: Any) -> list[CheckMessage]:
    hint = (
        "Set CONN_MAX_AGE to 0. With PostgreSQL, let Django pool connections: "
        '"OPTIONS": {"pool": True}, "CONN_HEALTH_CHECKS": True.'
    )
    return [
        Warning(
            f"DATABASES[{alias!r}] keeps its connections (CONN_MAX_AGE); under ASGI they pile up.",
            hint=hint,
            id="chatkit.W010",
        )
        for alias, database in settings.DATABASES.items()
        if runs_under_asgi()
        and database.get("CONN_MAX_AGE", 0) != 0
        and not str(database.get("ENGINE")).endswith("sqlite3")
    ]


@register(TAG, deploy=True)
def check_pools(**kwargs: Any) -> list[CheckMessage]:
    return [
        Warning(
            f"DATABASES[{alias!r}] has a pool, and takes from it without a look: after a restart of the "
            "database, answers that are being written are lost.",
            hint='Set "CONN_HEALTH_CHECKS": True beside "OPTIONS".',
            id="chatkit.W020",
        )
        for alias, database in settings.DATABASES.items()
        if has_blind_pool(database)
    ]


def has_blind_pool(database: dict[str, Any]) -> bool:
    return bool(database.get("OPTIONS", {}).get("pool")) and not database.get("CONN_HEALTH_CHECKS")
