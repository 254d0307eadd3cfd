"""The chat in the corner: for a mouse, a keyboard, a screen reader and a telephone."""

from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.pages import out_of_reach, show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

WIDGET = "<p><a href='#'>A link</a></p>{% chatkit_widget 'public' mode='floating' %}"


def launcher(page):
    return page.get_by_role("button", name="Chat", exact=True)


def window(page):
    return page.get_by_role("dialog", name="Chat")


def test_a_mouse_opens_and_closes_it(page):
    show(page, WIDGET)
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")
    expect(window(page)).to_have_count(0)
    launcher(page).click()
    expect(launcher(page)).to_have_attribute("aria-expanded", "true")
    expect(window(page)).to_be_visible()
    assert launcher(page).get_attribute("aria-controls") == window(page).get_attribute("id")
    launcher(page).click()
    expect(window(page)).to_have_count(0)


def test_nothing_is_loaded_into_it_before_it_is_opened(page):
    show(page, WIDGET)
    expect(launcher(page)).to_be_visible()
    page.wait_for_timeout(200)
    assert page.evaluate("document.querySelector('openai-chatkit').calls.length") == 0
    launcher(page).click()
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    launcher(page).click()
    launcher(page).click()
    assert page.evaluate("document.querySelector('openai-chatkit').calls.length") == 1


def test_a_keyboard_gets_in_and_out(page):
    show(page, WIDGET)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(launcher(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("openai-chatkit")).to_be_focused()
    assert page.evaluate("document.querySelector('openai-chatkit').focused") == 1
    page.evaluate("document.querySelector('[data-chatkit=window]').focus()")
    page.keyboard.press("Escape")
    expect(window(page)).to_have_count(0)
    expect(launcher(page)).to_be_focused()
    page.keyboard.press("Space")
    expect(window(page)).to_be_visible()
    expect(page.locator("openai-chatkit")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(launcher(page)).to_be_focused()
    page.keyboard.press("Escape")
    expect(window(page)).to_have_count(0)


def test_the_composer_does_not_take_the_focus_from_somewhere_else(page):
    page.add_init_script("window.fakeStaysBlank = true")
    show(page, WIDGET)
    launcher(page).click()
    expect(window(page)).to_be_focused()
    page.get_by_role("link", name="A link").focus()
    page.locator("openai-chatkit").evaluate("chat => chat.begin()")
    expect(page.get_by_role("link", name="A link")).to_be_focused()


def test_escape_elsewhere_is_not_ours(page):
    show(page, WIDGET)
    launcher(page).click()
    page.get_by_role("link", name="A link").focus()
    page.keyboard.press("Escape")
    expect(window(page)).to_be_visible()


def test_it_stays_open_on_the_next_page_and_leaves_the_focus_there(page):
    show(page, WIDGET)
    launcher(page).click()
    expect(page.locator("openai-chatkit")).to_be_focused()
    page.reload()
    expect(window(page)).to_be_visible()
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    expect(page.locator("body")).to_be_focused()
    launcher(page).click()
    page.reload()
    expect(launcher(page)).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("kind", ["defer src='data:text/javascript,{}'", "type='module'"])
def test_listeners_come_in_time_for_a_window_that_is_open_already(page, kind):
    code = "addEventListener('chatkit:options', ({ detail }) => { detail.options.frameTitle = 'Heard' })"
    script = f"<script {kind.format(quote(code))}>{code}</script>"
    page.add_init_script("sessionStorage.setItem('chatkit:open:public', 'true')")
    show(page, WIDGET + "<p>More</p>" * 1000 + script)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    assert page.evaluate("document.querySelector('openai-chatkit').options.frameTitle") == "Heard"


def test_each_server_remembers_for_itself(page):
    show(page, WIDGET)
    launcher(page).click()
    assert page.evaluate("({ ...sessionStorage })") == {"chatkit:open:public": "true"}


def test_without_storage(page):
    page.add_init_script(
        "Storage.prototype.getItem = Storage.prototype.setItem = () => { throw Error('no') }"
    )
    show(page, WIDGET)
    launcher(page).click()
    expect(window(page)).to_be_visible()


def test_page_code_opens_and_closes_it(page):
    show(page, WIDGET)
    page.evaluate("document.querySelector('django-chatkit-floating').open()")
    expect(window(page)).to_be_visible()
    page.evaluate("document.querySelector('django-chatkit-floating').close()")
    expect(window(page)).to_have_count(0)


def test_it_sits_in_the_corner(new_page):
    page = new_page(viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    show(page, WIDGET)
    launcher(page).click()
    box = window(page).bounding_box()
    assert (box["width"], box["height"]) == (400, 672)
    assert box["x"] + box["width"] == 1000 - 16
    button = launcher(page).bounding_box()
    assert box["y"] + box["height"] < button["y"]
    assert button["y"] + button["height"] == 800 - 16


@pytest.mark.parametrize(("height", "expected"), [("500", 500), ("20rem", 320), ("5000", 800 - 112)])
def test_its_height(new_page, height, expected):
    page = new_page(viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    show(page, f"{{% chatkit_widget 'public' mode='floating' height='{height}' %}}")
    launcher(page).click()
    assert window(page).bounding_box()["height"] == expected


def test_in_languages_from_right_to_left_it_sits_at_the_left(new_page):
    page = new_page(viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    show(page, f"<div dir='rtl'>{WIDGET}</div>")
    assert launcher(page).bounding_box()["x"] == 16


@pytest.mark.parametrize(("wish", "animation"), [("no-preference", "chatkit-open"), ("reduce", "none")])
def test_nothing_moves_for_people_who_ask_for_that(new_page, wish, animation):
    page = new_page(reduced_motion=wish)
    show(page, WIDGET)
    launcher(page).click()
    expect(window(page)).to_have_css("animation-name", animation)


def test_on_a_telephone_it_takes_the_whole_screen(new_page):
    page = new_page(viewport={"width": 390, "height": 700}, has_touch=True, reduced_motion="reduce")
    show(page, WIDGET)
    launcher(page).tap()
    assert window(page).bounding_box() == {"x": 0, "y": 0, "width": 390, "height": 700}
    expect(page.get_by_role("button", name="Chat", exact=True)).to_have_count(0)
    page.get_by_role("button", name="Close").tap()
    expect(window(page)).to_have_count(0)
    expect(launcher(page)).to_be_focused()


def test_a_problem_is_shown_in_the_window(page, console):
    console.expect("Failed to load resource|net::ERR")
    show(page, WIDGET, fake=out_of_reach)
    launcher(page).click()
    expect(window(page).get_by_role("alert")).to_contain_text("The chat could not be loaded.")


def test_visitors_are_asked_to_sign_in_in_the_corner(new_page):
    page = new_page(viewport={"width": 1000, "height": 800}, reduced_motion="reduce")
    show(page, "{% chatkit_widget 'sales' mode='floating' %}")
    box = page.locator(".chatkit-hint").bounding_box()
    assert box["y"] + box["height"] == 800 - 16
    assert box["x"] + box["width"] == 1000 - 16
