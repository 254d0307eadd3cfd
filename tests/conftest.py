"""What all tests share: who is there, and when a skip is a failure."""

import os

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.utils import translation

from django_chatkit.servers import servers
from django_chatkit.testing import ChatKitClient

from . import files
from .typescript import compile_options, is_installed, rendered, without_repetition

pytest_plugins = ["django_chatkit.testing.fixtures"]
"""Which also runs ``async def`` tests."""


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


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """For ``-m database``: all else would only be repeated on another one."""
    for item in items:
        if item.get_closest_marker("django_db") or "db" in item.fixturenames:
            item.add_marker("database")


@pytest.fixture(scope="session", autouse=True)
def options_that_fit_the_types(tmp_path_factory):
    """Whatever chat any test renders: its options are given to TypeScript at the end."""
    with rendered() as seen:
        yield
    many = without_repetition(seen)
    if many and is_installed():
        refused, output = compile_options(tmp_path_factory.mktemp("options"), many)
        assert [many[index] for index in sorted(refused)] == [], output


@pytest.fixture(autouse=True)
def empty_storage():
    """No test finds files of another one: the tests' storage is in memory."""
    yield
    files.empty_storage()


@pytest.fixture(autouse=True)
def own_language():
    """No test speaks the language that another one has left active."""
    yield
    translation.activate(settings.LANGUAGE_CODE)


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
