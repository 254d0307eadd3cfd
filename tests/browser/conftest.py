"""A real Chromium, and pages whose console has to stay clean."""

import os
import re
from pathlib import Path

import pytest
from playwright.sync_api import expect, sync_playwright

import django_chatkit.server  # noqa: F401  (it takes seconds, which the first page would have to wait)

SECONDS = 1000
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
]

expect.set_options(timeout=15 * SECONDS)


class Console:
    """What a page complained about, apart from what its test expects."""

    def __init__(self):
        self.complaints, self.expected = [], []

    def watch(self, page):
        page.on("console", lambda message: self.add(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.add(str(error)))

    def add(self, text):
        self.complaints.append(text)

    def expect(self, *patterns):
        self.expected += patterns

    @property
    def unexpected(self):
        return [text for text in self.complaints if not any(re.search(one, text) for one in self.expected)]


# Not for the whole session: Playwright keeps an event loop running in this thread, which Django and
# the async tests of other modules would trip over.
@pytest.fixture(scope="module")
def chromium():
    if not Path(CHROMIUM).exists():
        pytest.skip("there is no Chromium: install it, or set CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def console():
    console = Console()
    yield console
    assert console.unexpected == []


@pytest.fixture
def new_page(chromium, live_server, console):
    """A new window on the live server, with the options of Playwright's contexts."""
    contexts = []

    def new_page(**options):
        context = chromium.new_context(base_url=live_server.url, **options)
        context.set_default_timeout(30 * SECONDS)
        contexts.append(context)
        page = context.new_page()
        console.watch(page)
        return page

    yield new_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page):
    return new_page()
