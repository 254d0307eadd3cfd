"""Pages that HTMX, Turbo and the browser itself change, with the libraries that people use."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import standin
from tests.browser import pages
from tests.browser.conftest import ARGUMENTS, CHROMIUM
from tests.browser.pages import CDN, FAKE, SHELL, fulfill, show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

MODULES = Path(__file__).resolve().parents[2] / "node_modules"
LIBRARIES = {
    "htmx-1": "htmx-1/dist/htmx.js",
    "htmx-2": "htmx.org/dist/htmx.js",
    "htmx-4": "htmx-4/dist/htmx.js",
    "turbo": "@hotwired/turbo/dist/turbo.es2017-umd.js",
}
HTMX = ["htmx-1", "htmx-2", "htmx-4"]
WIDGET = "{% chatkit_widget 'public' height=400 %}"
FLOATING = "{% chatkit_widget 'public' mode='floating' height=400 %}"
MORPH = "<meta name='turbo-refresh-method' content='morph'>"


@pytest.fixture
def load(page):
    """The element that loads a library into a page."""

    def load(name):
        file = MODULES / LIBRARIES[name]
        if not file.exists():
            pytest.skip("the packages of package.json are not installed: npm install")
        page.route(f"**/{name}.js", lambda route: fulfill(route, file.read_text()))
        return f"<script src='/{name}.js'></script>"

    return load


def expect_chat(page, height=400):
    """One that runs, as high as it should be, also after what a library does later."""
    chat = page.locator("django-chatkit")
    expect(chat).to_have_count(1)
    expect(chat).to_have_attribute("data-state", "ready")
    page.wait_for_timeout(100)
    expect(chat).to_have_attribute("data-state", "ready")
    # Turbo may show its own copy of a page first, and the page itself in its place.
    expect(page.locator("openai-chatkit")).to_have_js_property("offsetHeight", height)
    assert page.locator("openai-chatkit").evaluate("chat => chat.calls.length") == 1
    assert page.evaluate("fakeRuns") == 1


@pytest.mark.parametrize("name", HTMX)
@pytest.mark.parametrize("fragment", [WIDGET, f"<section>{WIDGET}</section>"])
def test_htmx_swaps_a_chat_in_again_and_again(page, load, name, fragment):
    pages.bodies["fragment"] = fragment
    button = "<button hx-get='/pages/fragment/' hx-target='#target'>Chat</button><main id='target'></main>"
    show(page, button, head=load(name))
    for _ in range(3):
        page.evaluate("document.querySelector('#target').dataset.old = ''")
        with page.expect_response("**/pages/fragment/"):
            page.get_by_role("button", name="Chat").click()
        expect_chat(page)


@pytest.mark.parametrize("name", [*HTMX, "turbo"])
def test_a_window_stays_open_from_page_to_page(page, load, name):
    for here, there in (("page", "other"), ("other", "page")):
        link = f"<nav hx-boost='true'><a href='/pages/{there}/'>To {there}</a></nav>"
        pages.bodies[here] = SHELL % {"head": load(name), "body": link + FLOATING}
    pages.headers.clear()
    page.route(CDN, lambda route: fulfill(route, FAKE))
    page.goto("/pages/page/")
    page.get_by_role("button", name="Chat", exact=True).click()
    for there in ("other", "page"):
        expect_chat(page, 398)  # the window has a border
        page.get_by_role("link", name=f"To {there}").click()
        page.wait_for_url(f"**/pages/{there}/")
        expect(page.get_by_role("dialog", name="Chat")).to_be_visible()
    expect_chat(page, 398)


def test_turbo_comes_and_goes(page, load):
    head = load("turbo")
    pages.bodies["other"] = SHELL % {"head": head, "body": "<a href='/pages/page/'>Back to the chat</a>"}
    show(page, WIDGET + "<a href='/pages/other/'>Away</a>", head=head)
    for _ in range(2):
        expect_chat(page)
        page.get_by_role("link", name="Away").click()
        expect(page.locator("django-chatkit")).to_have_count(0)
        page.go_back()  # from Turbo's own copy
        expect_chat(page)
        page.go_forward()
        page.get_by_role("link", name="Back to the chat").click()
        expect_chat(page)


def test_a_frame_of_turbo(page, load):
    pages.bodies["frame"] = f"<turbo-frame id='frame'>{WIDGET}</turbo-frame>"
    show(page, "<turbo-frame id='frame' src='/pages/frame/'></turbo-frame>", head=load("turbo"))
    expect_chat(page)


@pytest.mark.parametrize("widget", [WIDGET, FLOATING])
def test_turbo_refreshes_the_page_around_the_chat(page, load, widget):
    show(page, f"<h1>Before</h1>{widget}", head=load("turbo") + MORPH)
    if widget == FLOATING:
        page.get_by_role("button", name="Chat", exact=True).click()
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    page.evaluate("window.first = document.querySelector('openai-chatkit')")
    pages.bodies["page"] = pages.bodies["page"].replace("Before", "After")
    page.evaluate("Turbo.visit(location.href, { action: 'replace' })")
    expect(page.get_by_role("heading", name="After")).to_be_visible()
    expect_chat(page, 398 if widget == FLOATING else 400)
    assert page.evaluate("first === document.querySelector('openai-chatkit')")


def test_turbo_morphs_what_is_another_chat(page, load):
    show(page, "{% chatkit_widget 'public' %}", head=load("turbo") + MORPH)
    expect(page.locator("django-chatkit")).to_have_attribute("data-server", "public")
    pages.bodies["page"] = pages.bodies["page"].replace("'public'", "'slow'")
    page.evaluate("Turbo.visit(location.href, { action: 'replace' })")
    expect(page.get_by_text("Please sign in to chat.")).to_be_visible()
    expect(page.locator("django-chatkit")).to_have_count(0)


@pytest.mark.parametrize("widget", [WIDGET, FLOATING])
def test_htmx_morphs_the_page_around_the_chat(page, load, widget):
    pages.bodies["fragment"] = f"<h1>After</h1>{widget}"
    button = "<button hx-get='/pages/fragment/' hx-target='#target' hx-swap='innerMorph'>Get</button>"
    show(page, f"{button}<main id='target'><h1>Before</h1>{widget}</main>", head=load("htmx-4"))
    if widget == FLOATING:
        page.get_by_role("button", name="Chat", exact=True).click()
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    page.evaluate("window.first = document.querySelector('openai-chatkit')")
    page.get_by_role("button", name="Get").click()
    expect(page.get_by_role("heading", name="After")).to_be_visible()
    expect_chat(page, 398 if widget == FLOATING else 400)
    assert page.evaluate("first === document.querySelector('openai-chatkit')")


@pytest.fixture
def page_with_cache(chromium, live_server, console):
    """Playwright switches off the cache that keeps pages alive for the back button."""
    browser = chromium.browser_type.launch(
        executable_path=CHROMIUM, args=ARGUMENTS, ignore_default_args=["--disable-back-forward-cache"]
    )
    page = browser.new_context(base_url=live_server.url).new_page()
    console.watch(page)
    yield page
    browser.close()


def test_the_back_button_brings_the_chat_as_it_was(page_with_cache):
    page, answers = page_with_cache, page_with_cache.locator("[data-thread-turn=assistant]")
    pages.bodies["other"] = SHELL % {"head": "", "body": "Elsewhere"}
    show(page, "{% chatkit_widget 'public' %}", fake=standin.script())
    page.evaluate("addEventListener('pageshow', ({ persisted }) => { window.wasKept = persisted })")
    for text in ("Hello there", "Once more"):
        page.get_by_role("textbox").fill(text)
        page.get_by_role("button", name="Send message").click()
        expect(answers.last).to_contain_text(f"You said: {text}")
        if text == "Hello there":
            page.goto("/pages/other/")
            page.go_back(wait_until="commit")
    expect(answers).to_have_count(2)
    assert page.evaluate("wasKept")


def test_attributes_that_a_swap_takes_away_come_back(page):
    show(page, WIDGET)
    expect_chat(page)
    page.evaluate("""() => {
      const chat = document.querySelector("django-chatkit");
      for (const name of ["style", "data-state"]) chat.removeAttribute(name);
    }""")
    expect_chat(page)
