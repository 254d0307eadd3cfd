"""A plugin for pytest: ``pytest_plugins = ["django_chatkit.testing.fixtures"]`` in the root ``conftest.py``.

Not an entry point: that would be loaded by every pytest run of an environment, before Django is set up
and before coverage is measured, and its names would be there for people who never asked.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from asgiref.sync import async_to_sync

from .client import ChatKitClient
from .override import override_model
from .sync import SyncChatKitClient

if TYPE_CHECKING:
    from .model import ScriptedModel, Turn


def pytest_configure(config: pytest.Config) -> None:
    """The SDK warns of each of its own widget classes while it reads a widget, dozens of times."""
    about = "Direct usage of named widget classes is deprecated"
    config.addinivalue_line("filterwarnings", f"ignore:{about}:DeprecationWarning")


@pytest.hookimpl
def pytest_pyfunc_call(pyfuncitem: Any) -> bool | None:
    """Run ``async def`` tests as Django's TestCase does, in the thread whose connection the test uses.

    Another plugin that runs them, such as anyio's for its marker, comes first.
    """
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    async_to_sync(pyfuncitem.obj)(**{name: pyfuncitem.funcargs[name] for name in wanted})
    return True


def make_user(name: str) -> Any:
    from django.contrib.auth import get_user_model  # models need settings, which a plugin comes before

    user_model: Any = get_user_model()
    return user_model._default_manager.create_user(**{user_model.USERNAME_FIELD: name})


@pytest.fixture
def chatkit_user(db: None) -> Any:
    """Somebody who chats. Override it where users need more than a name."""
    return make_user("chatkit-user")


@pytest.fixture
def other_chatkit_user(db: None) -> Any:
    return make_user("other-chatkit-user")


@pytest.fixture
def chatkit(chatkit_user: Any) -> ChatKitClient:
    """``chatkit_user`` at the page of the default server."""
    return ChatKitClient(user=chatkit_user)


@pytest.fixture
def other_chatkit(other_chatkit_user: Any) -> ChatKitClient:
    """Somebody else, who must never see anything of ``chatkit``'s."""
    return ChatKitClient(user=other_chatkit_user)


@pytest.fixture
def sync_chatkit(chatkit_user: Any) -> SyncChatKitClient:
    """``chatkit`` for tests that are not ``async``."""
    return SyncChatKitClient(user=chatkit_user)


@pytest.fixture
def scripted_model() -> Iterator[Callable[..., ScriptedModel]]:
    """A model with this script behind a server: ``scripted_model("Hello.", server="support")``."""
    from .model import ScriptedModel  # the Agents SDK takes seconds

    with ExitStack() as stack:

        def install(*script: Turn, server: str = "default") -> ScriptedModel:
            return stack.enter_context(override_model(ScriptedModel(*script), server))

        yield install
