"""Where the chat cannot be, the page says so, and why."""

import pytest
from playwright.sync_api import expect

from tests.browser.pages import FAKE, out_of_reach, show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

WIDGET = "{% chatkit_widget 'public' %}"
FAILED = "Failed to load resource|net::ERR"


def expect_problem(page, kind, text):
    expect(page.locator("django-chatkit")).to_have_attribute("data-problem", kind)
    panel = page.get_by_role("alert")
    expect(panel).to_contain_text(text)
    expect(panel.get_by_role("button", name="Reload the page")).to_be_visible()
    expect(page.locator("openai-chatkit")).not_to_be_visible()
    return panel


def expect_chat(page):
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    expect(page.get_by_role("alert")).to_have_text("", use_inner_text=True)
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.locator("openai-chatkit")).to_be_visible()


def chat(page):
    return page.locator("openai-chatkit")


def test_all_is_well(page):
    show(page, WIDGET)
    expect_chat(page)


def test_the_cdn_is_out_of_reach(page, console):
    console.expect(FAILED)
    show(page, WIDGET, fake=out_of_reach)
    expect_problem(page, "script", "The chat could not be loaded. Check your connection and reload the page.")


def test_the_script_is_tried_once_more(page, console):
    console.expect(FAILED)
    tries = []

    def fail_once(route):
        tries.append(route)
        if len(tries) == 1:
            route.abort()
        else:
            route.fulfill(body=FAKE, content_type="text/javascript")

    show(page, WIDGET, fake=fail_once)
    expect_chat(page)
    assert len(tries) == 2


def test_the_script_defines_nothing(page):
    page.clock.install()
    show(page, WIDGET, fake="/* a proxy's idea of a script */")
    page.clock.run_for(5_000)
    expect(page.get_by_role("alert")).to_have_text("", use_inner_text=True)
    page.clock.run_for(15_000)
    expect_problem(page, "script", "The chat could not be loaded.")


@pytest.mark.parametrize("late", ["log", "request"])
def test_nothing_comes_from_the_frame(page, late):
    page.clock.install()
    page.add_init_script("window.fakeStaysBlank = true")
    show(page, WIDGET)
    page.clock.run_for(1_000)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "loading")
    page.clock.run_for(15_000)
    expect_problem(page, "silent", "The chat does not answer.")
    if late == "log":
        chat(page).evaluate("chat => chat.tell('chatkit.log', { name: 'composer.ready' })")
    else:
        chat(page).evaluate("chat => { chat.request(false) }")
    expect_chat(page)


def test_the_options_are_refused(page):
    show(page, WIDGET, fake=FAKE.replace("this.begin()", "this.fail('FatalAppError', 'ChatKit.create(): x')"))
    expect_problem(page, "options", "The chat is not set up correctly.")


def test_the_options_are_refused_at_once(page):
    show(page, WIDGET, fake=FAKE.replace("this.calls.push(options);", "throw Error('Invalid input');"))
    expect_problem(page, "options", "The chat is not set up correctly.")


def test_the_domain_is_not_verified(page):
    show(page, WIDGET)
    expect_chat(page)
    chat(page).evaluate("chat => chat.fail('IntegrationError', 'Domain verification failed for https://x')")
    expect_problem(page, "domain", "The chat does not work on this address.")


def test_the_frame_is_taken_away(page):
    show(page, WIDGET)
    expect_chat(page)
    chat(page).evaluate("chat => chat.shadowRoot.querySelector('iframe').remove()")
    expect_problem(page, "domain", "The chat does not work on this address.")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("StreamError", "Something failed"),
        ("InitialThreadLoadError", "Failed to load initial thread: gone"),
        ("IntegrationError", "No handler for client tool calls"),
    ],
)
def test_a_chat_that_is_alive_shows_its_own_errors(page, name, message):
    show(page, WIDGET)
    expect_chat(page)
    chat(page).evaluate("(chat, [name, message]) => chat.fail(name, message)", [name, message])
    expect_chat(page)


def test_only_the_chat_that_failed(page):
    show(page, WIDGET * 2)
    expect(page.locator("django-chatkit[data-state=ready]")).to_have_count(2)
    chat(page).last.evaluate("chat => chat.fail('FatalAppError', 'x')")
    expect(page.locator("django-chatkit[data-state=ready]")).to_have_count(1)
    expect(page.get_by_role("alert").filter(has_text="not set up")).to_have_count(1)


def test_visitors_read_no_details(page):
    show(page, WIDGET)
    expect_chat(page)
    chat(page).evaluate("chat => chat.fail('FatalAppError', 'at api.domainKey')")
    panel = expect_problem(page, "options", "not set up correctly")
    expect(panel).not_to_contain_text("domainKey")
    expect(panel).not_to_contain_text("chatkit:options")


def test_developers_read_the_details(page, settings):
    settings.DEBUG = True
    show(page, WIDGET)
    expect_chat(page)
    chat(page).evaluate("chat => chat.fail('FatalAppError', 'at <b>api.domainKey</b>')")
    panel = expect_problem(page, "options", "ChatKit refused the options.")
    expect(panel).to_contain_text("FatalAppError: at <b>api.domainKey</b>")


def test_reload(page):
    show(page, WIDGET)
    expect_chat(page)
    chat(page).evaluate("chat => chat.fail('FatalAppError', 'x')")
    page.get_by_role("button", name="Reload the page").click()
    expect_chat(page)


def test_without_javascript(new_page):
    page = new_page(java_script_enabled=False)
    show(page, WIDGET)
    expect(page.locator("noscript .chatkit-hint")).to_be_visible()


def forget(route):
    route.fulfill(status=404, body="Not found")


def in_a_while(page):
    """The end of what widget.css waits for."""
    page.evaluate("""() => {
      for (const animation of document.getAnimations()) animation.finish();
    }""")


@pytest.mark.parametrize("obstacle", ["not served", "forbidden"])
@pytest.mark.parametrize("debug", [True, False])
def test_our_own_script_does_not_run(page, console, settings, obstacle, debug):
    settings.DEBUG = debug
    console.expect(FAILED, "Content Security Policy")
    if obstacle == "not served":
        page.route("**/widget.js", forget)
    show(page, WIDGET, policy="script-src https://cdn.platform.openai.com" if obstacle == "forbidden" else "")
    panel = page.get_by_text("The chat could not be loaded.")
    expect(panel).not_to_be_visible()
    in_a_while(page)
    expect(panel).to_be_visible()
    expect(page.get_by_text("was collectstatic run?")).to_have_count(1 if debug else 0)
    expect(page.get_by_role("button")).to_have_count(0)  # which could not do anything


def test_nothing_of_ours_is_served(page, console):
    console.expect(FAILED)
    for file in ("widget.js", "widget.css"):
        page.route(f"**/{file}", forget)
    show(page, WIDGET)
    expect(page.get_by_text("The chat could not be loaded.")).to_be_visible()


def test_our_stylesheet_is_not_served(page, console):
    console.expect(FAILED)
    page.route("**/widget.css", forget)
    show(page, WIDGET)
    expect_chat(page)


@pytest.mark.parametrize("debug", [True, False])
def test_there_is_no_button_that_does_nothing(page, console, settings, debug):
    settings.DEBUG = debug
    console.expect(FAILED)
    page.route("**/floating.js", forget)
    show(page, "{% chatkit_widget 'public' mode='floating' %}")
    in_a_while(page)
    expect(page.get_by_role("button")).to_have_count(0)
    expect(page.locator(".chatkit-absent:visible")).to_have_count(1 if debug else 0)


def test_a_visitor_who_must_sign_in(page):
    show(page, "{% chatkit_widget 'sales' %}")
    expect(page.get_by_text("Please sign in to chat.")).to_be_visible()
    link = page.get_by_role("link", name="Sign in")
    expect(link).to_have_attribute("href", "/accounts/login/?next=%2Fpages%2Fpage%2F")
    assert page.locator("script").count() == 0
