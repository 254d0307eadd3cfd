"""Settings for the tests: SQLite, or PostgreSQL where ``DATABASE_URL`` is set."""

import json
import os
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "Europe/Berlin"
LANGUAGE_CODE = "en"
ROOT_URLCONF = "tests.urls"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
ALLOWED_HOSTS = ["*"]


POOL = json.loads(os.environ.get("DATABASE_POOL", "{}"))
"""Options for a pool of PostgreSQL connections."""


def database_from_url(url: str) -> dict[str, object]:
    """A DATABASES entry for ``postgres://user:password@host:port/name``."""
    parts = urlsplit(url)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.path.lstrip("/"),
        "USER": parts.username or "",
        "PASSWORD": parts.password or "",
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "OPTIONS": {"pool": POOL} if POOL else {},
    }


if "DATABASE_URL" in os.environ:
    DATABASES = {"default": database_from_url(os.environ["DATABASE_URL"])}
else:
    # A file, as sites have it: Django never closes connections to a database in memory, and there a
    # thread that finds it locked fails at once instead of waiting. One name, because the live server
    # may ask whether it is in memory before the tests' own database is there.
    SQLITE_NAME = os.environ.get(
        "SQLITE_NAME", f"{tempfile.gettempdir()}/django_chatkit-{os.getpid()}.sqlite3"
    )
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": SQLITE_NAME,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA synchronous = OFF",
            },
            "TEST": {"NAME": SQLITE_NAME},
        }
    }

INSTALLED_APPS = [
    "django_chatkit",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
if "RUNSERVER_WITH_DAPHNE" in os.environ:
    INSTALLED_APPS.insert(0, "daphne")
    ASGI_APPLICATION = "tests.asgi.application"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    "chatkit": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
CHATKIT_SERVERS = {
    "default": "tests.servers.EchoServer",
    "sales": "tests.servers.SalesServer",
    "public": "tests.servers.PublicServer",
    "slow": "tests.servers.SlowServer",
    "files": "tests.servers.FileServer",
    "two-phase": "tests.servers.TwoPhaseServer",
    "hearing": "tests.servers.HearingServer",
    "curious": "tests.servers.CuriousServer",
    "remembering": "tests.servers.RememberingServer",
    "menus": "tests.servers.MenuServer",
}
if "MODEL_URL" in os.environ:
    CHATKIT_SERVERS["agent"] = "tests.agent_servers.RemoteServer"
