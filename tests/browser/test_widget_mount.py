"""The chat gets into the page: once, with the page's own functions, in the system's colors."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser import pages
from tests.browser.pages import FAKE, show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

ROOT = Path(__file__).resolve().parents[2]
WIDGET = "{% chatkit_widget 'public' %}"
OPTIONS = "chat => chat.options"
PLAIN_OPTIONS = """({ options }) => ({
  ...options, api: Object.keys(options.api), onClientTool: typeof options.onClientTool,
})"""
CALLS = "chat => chat.calls.length"
LISTENER = """document.addEventListener("chatkit:options", (event) => {
  window.heard = [...(window.heard ?? []), event.detail.server];
  event.detail.options.widgets = { onAction: () => {} };
});"""
HAS_ACTION = "chat => typeof chat.options.widgets?.onAction"


def chat(page, index=0):
    """The element, once it has its options."""
    expect(page.locator("django-chatkit").nth(index)).to_have_attribute("data-state", "ready")
    return page.locator("openai-chatkit").nth(index)


def test_the_element_gets_the_options_and_our_fetch(page):
    show(page, "{% chatkit_widget 'public' greeting='Hi' %}")
    options = chat(page).evaluate(PLAIN_OPTIONS)
    assert options == {
        "api": ["url", "domainKey", "fetch"],
        "locale": "en",
        "theme": "light",
        "frameTitle": "Chat",
        "threadItemActions": {"feedback": True, "retry": True},
        "startScreen": {"greeting": "Hi"},
        "onClientTool": "function",
    }
    assert chat(page).evaluate(CALLS) == 1


def test_it_reaches_the_server(page):
    show(page, WIDGET)
    reply = chat(page).evaluate("chat => chat.request(false)")
    assert (reply["status"], reply["text"]) == (200, '{"data":[],"has_more":false}')


@pytest.mark.parametrize(
    "script",
    [
        f"<script>{LISTENER}</script>",
        f"<script type='module'>{LISTENER}</script>",
        f"<script>document.addEventListener('DOMContentLoaded', () => {{ {LISTENER} }})</script>",
    ],
)
@pytest.mark.parametrize("place", ["head", "before", "after"])
def test_listeners_may_come_in_any_order(page, script, place):
    body = {"head": WIDGET, "before": script + WIDGET, "after": WIDGET + script}[place]
    show(page, body, head=script if place == "head" else "")
    assert chat(page).evaluate(HAS_ACTION) == "function"
    assert page.evaluate("heard") == ["public"]


def test_listeners_that_come_late_ask_for_an_update(page):
    show(page, WIDGET)
    chat(page)
    page.evaluate(LISTENER)
    page.evaluate("document.querySelector('django-chatkit').update()")
    assert chat(page).evaluate(HAS_ACTION) == "function"
    assert page.evaluate("heard") == ["public"]


def test_a_listener_on_the_element_hears_of_its_own_chat_only(page):
    script = """<script type="module">
      document.getElementById("chatkit-options").addEventListener("chatkit:options", (event) => {
        event.detail.options.frameTitle = `${event.detail.server} ${event.detail.element.localName}`;
      });
    </script>"""
    show(page, "{% chatkit_widget 'public' %}{% chatkit_widget 'public' id='chatkit-options' %}" + script)
    assert chat(page, 0).evaluate("chat => chat.options.frameTitle") == "Chat"
    assert chat(page, 1).evaluate("chat => chat.options.frameTitle") == "public openai-chatkit"


def test_a_listener_that_throws_spoils_nothing(page, console):
    console.expect("Oops")
    script = "<script>document.addEventListener('chatkit:options', () => { throw Error('Oops') })</script>"
    show(page, script + WIDGET)
    assert chat(page).evaluate(CALLS) == 1


def test_a_button_without_a_function_is_left_out(page):
    body = "{% chatkit_widget 'public' %}"
    script = """<script>document.addEventListener("chatkit:options", ({ detail: { options } }) => {
      options.header = { leftAction: { icon: "home" }, rightAction: { icon: "close", onClick() {} } };
    });</script>"""
    show(page, body + script)
    assert chat(page).evaluate("chat => Object.keys(chat.options.header)") == ["rightAction"]


@pytest.mark.parametrize("script", ["", f"<script>{LISTENER}</script>"])
def test_the_theme_follows_the_system(new_page, script):
    page = new_page(color_scheme="dark")
    show(page, WIDGET + script)
    assert chat(page).evaluate("chat => chat.options.theme") == "dark"
    page.emulate_media(color_scheme="light")
    page.wait_for_function("document.querySelector('openai-chatkit').calls.length === 2")
    first, second = chat(page).evaluate("chat => chat.calls.map(({ theme, api, ...rest }) => [theme, rest])")
    assert [first[0], second[0]] == ["dark", "light"]
    assert first[1] == second[1]
    assert chat(page).evaluate("chat => chat.calls.every((call) => typeof call.api.fetch === 'function')")
    if script:
        assert chat(page).evaluate(HAS_ACTION) == "function"
        assert page.evaluate("heard") == ["public"]


def test_the_scheme_of_a_theme_follows_too(new_page):
    page = new_page(color_scheme="dark")
    script = """<script>document.addEventListener("chatkit:options", ({ detail: { options } }) => {
      options.theme = { colorScheme: "auto", radius: "soft" };
    });</script>"""
    show(page, script + WIDGET)
    assert chat(page).evaluate("chat => chat.options.theme") == {"colorScheme": "dark", "radius": "soft"}


def test_the_how_to_that_follows_the_sites_own_switch(page):
    guide = (ROOT / "docs" / "howto" / "page-code.md").read_text().split("switch for dark mode", 1)[1]
    script = re.findall(r"```js\n(.*?)```", guide, re.DOTALL)[0]
    style = re.findall(r"```css\n(.*?)```", guide, re.DOTALL)[0]
    body = f"<style>{style}</style><script>{script}</script>"
    widgets = "{% chatkit_widget 'public' %}{% chatkit_widget 'public' mode='floating' theme='auto' %}"
    show(page, body + widgets)
    assert chat(page).evaluate("chat => chat.options.theme") == {"colorScheme": "light"}
    page.evaluate("document.documentElement.dataset.theme = 'dark'")
    expect(page.locator("django-chatkit").first).to_have_attribute("data-scheme", "dark")
    assert chat(page).evaluate("chat => chat.options.theme") == {"colorScheme": "dark"}
    floating = page.locator("django-chatkit-floating")
    expect(floating).to_have_css("color-scheme", "dark")  # by the stylesheet
    page.get_by_role("button", name="Chat").click()
    expect(floating).to_have_attribute("data-scheme", "dark")
    page.evaluate("document.documentElement.dataset.theme = 'light'")
    expect(floating).to_have_attribute("data-scheme", "light")
    assert chat(page, 1).evaluate("chat => chat.options.theme") == {"colorScheme": "light"}


def test_a_fixed_theme_stays(new_page):
    page = new_page(color_scheme="dark")
    show(page, "{% chatkit_widget 'public' theme='light' %}")
    page.emulate_media(color_scheme="light")
    page.emulate_media(color_scheme="dark")
    assert chat(page).evaluate("chat => chat.calls.every((call) => call.theme === 'light')")


def test_two_chats_on_a_page(page):
    show(page, "{% chatkit_widget 'public' %}{% chatkit_widget 'public' mode='floating' %}")
    page.get_by_role("button", name="Chat").click()
    assert chat(page, 0).evaluate(CALLS) == chat(page, 1).evaluate(CALLS) == 1
    assert page.evaluate("fakeRuns") == 1


# Pages that change


def swap(page):
    """What HTMX does: new HTML, and its scripts made anew so that they run."""
    page.evaluate("""async () => {
      const target = document.querySelector("#target");
      const response = await fetch("/pages/fragment/", { headers: { "HX-Request": "true" } });
      target.innerHTML = await response.text();
      for (const old of target.querySelectorAll("script[src]")) {
        const script = document.createElement("script");
        for (const { name, value } of old.attributes) script.setAttribute(name, value);
        old.replaceWith(script);
      }
    }""")


def test_a_chat_that_is_swapped_in(page):
    pages.bodies["fragment"] = WIDGET
    show(page, "<main id='target'></main>")
    for _ in range(3):
        swap(page)
        assert chat(page).evaluate(CALLS) == 1
    assert page.evaluate("fakeRuns") == 1


def test_a_chat_that_is_swapped_for_another(page):
    pages.bodies["fragment"] = WIDGET
    show(page, f"<main id='target'>{WIDGET}</main>")
    chat(page)
    page.evaluate("window.first = document.querySelector('openai-chatkit')")
    swap(page)
    assert chat(page).evaluate(CALLS) == 1
    page.emulate_media(color_scheme="dark")
    page.wait_for_function("document.querySelector('openai-chatkit').calls.length === 2")
    assert page.evaluate("first.calls.length") == 1
    assert page.evaluate("fakeRuns") == 1


def test_a_page_that_is_put_back_from_a_copy(page):
    """What Turbo does: the body is cloned, replaced, and the clone comes back; scripts run again."""
    show(page, WIDGET)
    chat(page)
    page.evaluate("""() => {
      const copy = document.body.cloneNode(true);
      document.body.replaceWith(document.createElement("body"));
      for (const old of copy.querySelectorAll("script[src]")) {
        const script = document.createElement("script");
        for (const { name, value } of old.attributes) script.setAttribute(name, value);
        old.replaceWith(script);
      }
      document.body.replaceWith(copy);
    }""")
    assert chat(page).evaluate(CALLS) == 1
    assert page.evaluate("fakeRuns") == 1


def test_a_chat_that_is_moved(page):
    show(page, WIDGET + "<aside></aside>")
    chat(page)
    page.evaluate("document.querySelector('aside').append(document.querySelector('django-chatkit'))")
    page.wait_for_function("document.querySelector('openai-chatkit').calls.length === 2")
    assert chat(page).evaluate("chat => typeof chat.options.api.fetch") == "function"


def test_back_and_forward(page):
    show(page, WIDGET)
    chat(page)
    page.goto("/admin/login/")
    page.go_back()
    assert chat(page).evaluate("chat => chat.request(false).then(({ status }) => status)") == 200


def test_a_chat_that_leaves_while_the_component_loads(page):
    show(page, WIDGET, fake="window.define = () => { " + FAKE + " }")
    page.evaluate("window.gone = document.querySelector('openai-chatkit')")
    page.evaluate("document.querySelector('django-chatkit').remove()")
    page.evaluate("define()")
    page.wait_for_timeout(100)
    assert page.evaluate("gone.calls?.length ?? 0") == 0


# Sizes


def size(page):
    box = page.locator("openai-chatkit").bounding_box()
    frame = page.locator("openai-chatkit iframe").bounding_box()
    assert (box["width"], box["height"]) == (frame["width"], frame["height"])
    return box["width"], box["height"]


@pytest.mark.parametrize("place", ["<dialog id='place' {}>", "<div id='place' hidden {}>"])
def test_it_may_be_hidden_at_first(page, place):
    element = place.format("style='width:500px;height:300px;padding:0;border:0'")
    show(page, element + "{% chatkit_widget 'public' %}")
    chat(page)
    assert page.locator("openai-chatkit").bounding_box() is None
    page.evaluate("""place.showModal ? place.showModal() : place.hidden = false""")
    assert size(page) == (500, 300)
    assert chat(page).evaluate(CALLS) == 1


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("<div style='width:500px'>{% chatkit_widget 'public' %}</div>", (500, 576)),
        ("<div style='width:500px;height:300px'>{% chatkit_widget 'public' %}</div>", (500, 300)),
        ("<div style='width:500px;height:700px'>{% chatkit_widget 'public' %}</div>", (500, 700)),
        ("<div style='width:500px;height:700px'>{% chatkit_widget 'public' height=350 %}</div>", (500, 350)),
        ("<div style='width:500px'>{% chatkit_widget 'public' height='45rem' %}</div>", (500, 720)),
        (
            "<div style='display:flex;flex-direction:column;width:500px;height:650px'>"
            "<h1 style='height:50px;margin:0'>Help</h1>"
            "<div style='flex:1;min-height:0'>{% chatkit_widget 'public' %}</div></div>",
            (500, 600),
        ),
    ],
)
def test_it_fills_its_container(page, body, expected):
    show(page, body)
    chat(page)
    assert size(page) == expected
