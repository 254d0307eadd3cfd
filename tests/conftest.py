"""What all tests share: how ``async`` tests run, who is there, and when a skip is a failure."""

import inspect
import os

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth import get_user_model

from django_chatkit.servers import servers
from django_chatkit.testing import ChatKitClient


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run ``async def`` tests as Django's TestCase does, in the thread whose connection the test uses."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = pyfuncitem._fixtureinfo.argnames
    async_to_sync(pyfuncitem.obj)(**{name: pyfuncitem.funcargs[name] for name in wanted})
    return True


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """With CHATKIT_REQUIRE_ALL=1, as on CI, a test that was skipped for want of something has failed."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("CHATKIT_REQUIRE_ALL") == "1" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        if "not for this run" not in str(reason):
            report.outcome = "failed"
            report.longrepr = f"Skipped, but everything is required here: {reason}"


@pytest.fixture(autouse=True)
def fresh_servers():
    """No test sees a server object of another one."""
    servers.reset()
    yield
    servers.reset()


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ann", password="ann")


@pytest.fixture
def other_user(db):
    return get_user_model().objects.create_user("bob", password="bob")


@pytest.fixture
def chat(user):
    """Ann at the page of the default server."""
    return ChatKitClient(user=user)


@pytest.fixture
def other_chat(other_user):
    """Bob, who must never see anything of Ann's."""
    return ChatKitClient(user=other_user)
