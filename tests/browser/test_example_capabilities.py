"""What the example's start screen offers to try, each by its sentence, in a real browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.test_example_page import (  # noqa: F401
    answers,
    ask,
    chromium,
    open_page,
    site,
)

pytestmark = pytest.mark.browser


def prompt(page, name):
    page.get_by_role("button", name=name, exact=True).click()


def reopen(page, title):
    """The conversation as it is after a reload."""
    expect(page.locator("openai-chatkit[data-responding]")).to_have_count(0)
    page.reload()
    page.get_by_role("button", name="Conversation history").click()
    history = page.get_by_role("region", name="Conversation history")
    history.get_by_role("button", name=title).first.click()


def test_a_picture_is_drawn_and_is_there_after_a_reload(open_page):  # noqa: F811
    page = open_page("/support/", "demo")
    prompt(page, "Draw a kettle")
    expect(answers(page)).to_contain_text("There it is.")
    for _ in range(2):
        picture = page.get_by_alt_text("Generated image")
        expect(picture).to_have_count(1)
        expect(picture).to_have_js_property("naturalWidth", 256)
        assert "/chatkit/" in picture.get_attribute("src")
        reopen(page, "Draw a kettle")


def test_an_answer_has_its_sources_before_and_after_a_reload(open_page):  # noqa: F811
    page = open_page("/support/", "demo")
    prompt(page, "How long does it take?")
    expect(answers(page)).to_contain_text("five to the islands")
    for _ in range(2):
        sources = page.get_by_role("list", name="Sources").get_by_role("listitem")
        expect(sources).to_have_text(["1Delivery", "2Our terms, page 2"])
        reopen(page, "What are the delivery terms?")


def test_progress_and_a_notice(open_page):  # noqa: F811
    page = open_page("/support/", "demo")
    prompt(page, "What is sold out?")
    expect(page.get_by_text(re.compile("Looking at the (upper|lower) shelf …"))).to_be_visible()
    expect(answers(page)).to_contain_text("sold out: Green tea, 100 g.")
    expect(page.get_by_text("Looking at the")).to_have_count(0)
    expect(page.get_by_text("More will come on Monday.")).to_be_visible()


def test_a_conversation_that_the_assistant_closes(open_page):  # noqa: F811
    page = open_page("/support/", "demo")
    prompt(page, "That is all")
    expect(page.get_by_text("Thank you, and goodbye.")).to_be_visible()
    expect(page.get_by_role("textbox")).to_have_count(0)
    reopen(page, "Close the conversation")
    expect(page.get_by_text("Thank you, and goodbye.")).to_be_visible()


def test_an_order_is_quoted(open_page):  # noqa: F811
    page = open_page("/support/", "demo")
    expect(page.get_by_role("button", name="Show my orders")).to_be_visible()
    page.get_by_role("button", name="1002", exact=True).click()
    expect(page.get_by_role("textbox")).to_have_text("What about this?")
    page.get_by_role("button", name="Send message").click()
    expect(page.locator("[data-thread-turn=user] blockquote")).to_contain_text("4 × Stoneware mug")
    expect(answers(page)).to_contain_text("You quote: 1002 4 × Stoneware mug")


def test_a_customer_may_not_ship_and_is_told_when_staff_did(open_page):  # noqa: F811
    page = open_page("/support/", "demo")
    prompt(page, "Ship order 1003 (staff only)")
    expect(answers(page)).to_contain_text("Refused: this person has no permission")
    expect(page.locator("openai-chatkit[data-responding]")).to_have_count(0)
    admin = open_page("/admin/shop/order/", "admin")
    admin.get_by_role("row").filter(has_text="1003").get_by_role("checkbox").check()
    admin.get_by_role("combobox", name="Action:").select_option("ship_selected")
    admin.get_by_role("button", name="Run").or_(admin.get_by_role("button", name="Go")).click()
    expect(admin.get_by_text("1 shipped.")).to_be_visible()
    page.evaluate("document.querySelector('openai-chatkit').fetchUpdates()")
    expect(answers(page).last).to_contain_text("Good news: order 1003 is on its way.")
    ask(page, "help")
    expect(page.get_by_text("It takes two days.")).to_be_visible()
    page.locator("[data-thread-turn=assistant] .sources .entity").click()
    page.wait_for_url("**/support/#order-1003")


def test_the_chat_knows_which_product_is_on_the_page(open_page):  # noqa: F811
    page = open_page("/shop/")
    page.get_by_role("link", name="Hand grinder").click()
    page.get_by_role("button", name="Sales chat").click()
    prompt(page, "What am I looking at?")
    expect(answers(page)).to_contain_text("product: Hand grinder; price: €74.00; stock: 5")
