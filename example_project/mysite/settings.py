"""The settings of the example, as short as they can be: comments stand only where ChatKit matters."""

import os
from pathlib import Path

from django_chatkit.csp import CHATKIT_CSP

BASE_DIR = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("DATA", BASE_DIR))
SECRET_KEY = "only for the example"
DEBUG = os.environ.get("DEBUG", "1") != "0"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]"]
TIME_ZONE = "UTC"
ROOT_URLCONF = "mysite.urls"
ASGI_APPLICATION = "mysite.asgi.application"

INSTALLED_APPS = [
    "daphne",  # before staticfiles: `runserver` then serves ASGI, and answers appear as they are written
    "django_chatkit",
    "shop",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",  # the chat's tag asks who is looking
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "shop.context_processors.example",
            ]
        },
    }
]

DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": DATA / "db.sqlite3",
        # Readers do not wait for the answer that is being written, and writers wait for each other.
        "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL", "transaction_mode": "IMMEDIATE"},
    }
}

STATIC_URL = "static/"
STATIC_ROOT = DATA / "staticfiles"
MEDIA_ROOT = DATA / "media"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
LOGIN_REDIRECT_URL = LOGOUT_REDIRECT_URL = "home"

# One class for each assistant; "default" answers at /chatkit/, "sales" at /chatkit/sales/.
CHATKIT_SERVERS = {
    "default": "shop.chat.SupportServer",
    "sales": "shop.chat.SalesServer",
}

# With a key a real model answers; without one a scripted model does, offline.
OPENAI_MODEL = os.environ.get("OPENAI_MODEL", "gpt-4.1-mini") if os.environ.get("OPENAI_API_KEY") else ""

# A strict policy for the whole site: nothing inline, nothing from elsewhere but ChatKit's own frame.
CONTENT_SECURITY_POLICY = {"DIRECTIVES": {"default-src": ["'self'"], **CHATKIT_CSP}}

# ChatKit's script comes from OpenAI's CDN. Without a network, `make demo` lets a stand-in play its part.
STANDIN = os.environ.get("STANDIN") == "1"
if STANDIN:
    CHATKIT_SCRIPT_URL = "/standin.js"
    # The real component draws pictures in a frame of its own, which this site's policy does not reach.
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"] = ["'self'", "blob:"]
