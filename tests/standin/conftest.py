"""A real Chromium with the stand-in in it, and a backend whose answers each test writes itself."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.standin.harness import ARGS, CHROMIUM, Backend, Chat, serving

ROOT = Path(__file__).resolve().parents[2]


def skip_or_fail(reason: str) -> None:
    if os.environ.get("CHATKIT_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


# Not for the whole session: Playwright keeps an event loop running in this thread.
@pytest.fixture(scope="module")
def chromium():
    if not Path(CHROMIUM).exists():
        skip_or_fail("there is no Chromium: install it, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


@pytest.fixture
def backend():
    with serving(Backend()) as backend:
        yield backend


@pytest.fixture
def chat(chromium, backend):
    """A page without options yet: ``chat.open(...)`` gives it some."""
    context = chromium.new_context(viewport={"width": 480, "height": 720})
    context.set_default_timeout(5_000)
    yield Chat(context.new_page(), backend)
    context.close()


@pytest.fixture
def node_modules():
    """Where the types of ChatKit.js and their compiler are."""
    modules = ROOT / "node_modules"
    for part in ("@openai/chatkit/types/index.d.ts", ".bin/tsc"):
        if not (modules / part).exists():
            skip_or_fail("npm install has not been run")
    return modules
