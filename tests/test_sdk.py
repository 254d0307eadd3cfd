"""What we rely on in the SDK without a promise: a new release must not change it unnoticed."""

import importlib.metadata
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from django_chatkit.permissions import CHECKS, INPUT_REQUESTS
from django_chatkit.server import DjangoChatKitServer

from chatkit import server, types
from chatkit.server import ChatKitServer

ROOT = Path(__file__).parent.parent

EXTENDED = {
    "_process_streaming_impl": ["self", "request", "context"],
    "_process_events": ["self", "thread", "context", "stream"],
    "_serialize": ["self", "obj"],
    "_update_pending_items": ["self", "pending_items", "event"],
    "handle_stream_cancelled": ["self", "thread", "pending_items", "context"],
}
CALLED = {
    "_process_streaming": ["self", "request", "context"],
    "_process_non_streaming": ["self", "request", "context"],
    "_cleanup_pending_client_tool_call": ["self", "thread", "context"],
}


def test_version_is_one_that_was_read():
    assert importlib.metadata.version("openai-chatkit").startswith("1.6.")


@pytest.mark.parametrize("name", [*EXTENDED, *CALLED])
def test_methods_have_the_signatures_that_we_use(name):
    expected = {**EXTENDED, **CALLED}[name]
    assert list(inspect.signature(getattr(ChatKitServer, name)).parameters) == expected


def test_we_override_nothing_else_that_is_private():
    ours = {name for name in vars(DjangoChatKitServer) if hasattr(ChatKitServer, name)}
    inherited = {name for name in ours if name.startswith("_") and not name.startswith("__")}
    assert inherited - {"_abc_impl"} == {name for name in EXTENDED if name.startswith("_")}


def test_process_does_no_more_than_ours():
    """Ours replaces it to cache the request's adapter and to check permissions."""
    source = inspect.getsource(ChatKitServer.process)
    assert "_process_streaming(parsed_request, context)" in source
    assert "_process_non_streaming(parsed_request, context)" in source
    assert source.count("await") == 1
    assert server.DEFAULT_PAGE_SIZE == 20


def test_every_request_type_was_thought_of():
    """A new request type must get its check, or be listed here as one that needs none."""
    requests = {kind for name, kind in vars(types).items() if name.endswith("Req") and inspect.isclass(kind)}
    known = {*CHECKS, *INPUT_REQUESTS}
    unchecked = {kind.__name__ for kind in requests - known - {types.BaseReq}}
    # These name only a thread, which check_thread() has seen to, or nothing at all.
    assert unchecked == {
        "ItemsListReq",
        "ThreadsDeleteReq",
        "ThreadsGetByIdReq",
        "ThreadsListReq",
    }


@pytest.mark.parametrize(
    "module",
    ["models", "admin", "urls", "checks", "apps", "options", "templatetags.chatkit", "conf", "context"],
)
def test_importing_this_does_not_import_the_heavy_sdks(module):
    code = f"""
import django, sys, warnings
warnings.simplefilter("error")
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.admin", "django.contrib.auth",
    "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.messages", "django_chatkit"])
django.setup()
import django_chatkit.{module}
heavy = [name for name in ("chatkit.server", "agents", "channels", "rest_framework") if name in sys.modules]
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


@pytest.mark.parametrize("module", ["store", "server", "agents", "testing", "demo"])
def test_importing_us_raises_no_warnings(module):
    code = f"""
import django
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django_chatkit"])
django.setup()
import django_chatkit.{module}
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True)
