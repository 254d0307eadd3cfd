"""Buttons, forms, tools of the page and questions: from the stand-in to the database and back."""

import asyncio

import pytest
from playwright.sync_api import expect

from django_chatkit.events import new_item
from django_chatkit.models import Thread, ThreadItem
from django_chatkit.sdk import types
from tests import standin
from tests.browser.pages import show
from tests.browser.test_widget_chat import answers, say, strict  # noqa: F401
from tests.servers import PublicServer

from chatkit.server import stream_widget
from chatkit.widgets import DynamicWidgetRoot

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]


@pytest.fixture
def open_chat(strict, settings):  # noqa: F811
    """Ann's page with the demo assistant, and what its code says."""
    del settings.CHATKIT_SERVERS

    def open_chat(script="", page=strict):
        listener = f"""<script>document.addEventListener("chatkit:options", ({{ detail }}) => {{
          const {{ options, clientTools }} = detail; {script} }});</script>"""
        show(page, listener + "{% chatkit_widget %}", fake=standin.script())
        expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
        return page

    return open_chat


def requests(page):
    return page.evaluate("document.querySelector('openai-chatkit').requests.map((one) => one.type)")


def wait_for_end(page):
    """ChatKit takes no action while an answer is under way."""
    expect(page.locator("openai-chatkit[data-responding]")).to_have_count(0)


def reopen(page, title):
    """Reload, and open the conversation again; the stand-in compares it with what was there."""
    wait_for_end(page)
    page.reload()
    page.get_by_role("button", name="Conversation history").click()
    page.get_by_role("button", name=title).first.click()


# Widgets


def test_button(open_chat):
    page = open_chat()
    say(page, "/widget")
    expect(answers(page)).to_contain_text("the widget is there")
    wait_for_end(page)
    page.get_by_role("button", name="Press me").click()
    expect(answers(page).last).to_contain_text("You pressed the button.")
    reopen(page, "/widget")
    expect(answers(page).last).to_contain_text("You pressed the button.")


def test_form(open_chat):
    page = open_chat()
    say(page, "/form")
    order = page.get_by_role("button", name="Order", exact=True)
    order.click()  # the name is missing, and the browser says so
    page.get_by_placeholder("Your name").fill("Ann")
    page.get_by_role("combobox").select_option("L")
    page.get_by_role("checkbox").check()
    order.click()
    expect(page.get_by_text("Thank you, Ann: size L, as a gift.")).to_be_visible()
    assert requests(page).count("threads.sync_custom_action") == 1
    reopen(page, "/form")
    expect(page.get_by_text("Thank you, Ann: size L, as a gift.")).to_be_visible()


def test_counter(open_chat):
    page = open_chat()
    say(page, "/counter")
    for count in (1, 2, 3):
        page.get_by_role("button", name="One more").click()
        expect(page.get_by_text(f"Pressed {count} times.")).to_be_visible()
    reopen(page, "/counter")
    expect(page.get_by_text("Pressed 3 times.")).to_be_visible()
    page.get_by_role("button", name="One more").click()
    expect(page.get_by_text("Pressed 4 times.")).to_be_visible()


async def slow_widget(self, thread, message, context):
    """Word after word, for ever."""

    async def states():
        words = ""
        while True:
            words += "word "
            text = {"type": "Text", "id": "t", "value": words, "streaming": True}
            yield DynamicWidgetRoot.model_validate({"type": "Card", "children": [text]})
            await asyncio.sleep(0.1)

    async for event in stream_widget(thread, states()):
        yield event


async def slow_workflow(self, thread, message, context):
    summary = types.CustomSummary(title="Looking it up")
    task = types.CustomTask(title="In the cellar", status_indicator="loading")
    workflow = types.Workflow(type="custom", tasks=[task], summary=summary)
    yield types.ThreadItemAddedEvent(
        item=types.WorkflowItem(**new_item(thread, "workflow"), workflow=workflow)
    )
    await asyncio.sleep(60)


@pytest.mark.parametrize(
    ("respond", "shown"), [(slow_widget, "word word word"), (slow_workflow, "Looking it up")]
)
def test_what_was_shown_is_there_after_a_stop_and_a_reload(
    strict,  # noqa: F811
    monkeypatch,
    settings,
    respond,
    shown,
):
    settings.CHATKIT_HEARTBEAT_SECONDS = 0.5  # by which a server without ASGI notices that nobody reads
    monkeypatch.setattr(PublicServer, "respond", respond)
    show(strict, "{% chatkit_widget 'public' %}", fake=standin.script())
    say(strict, "Tell me")
    expect(answers(strict)).to_contain_text(shown)
    strict.get_by_role("button", name="Stop response").click()
    for _ in range(200):
        strict.wait_for_timeout(0 if Thread.objects.get().title else 50)
    reopen(strict, "Tell me")
    expect(answers(strict)).to_contain_text(shown)


# Tools of the page

TOOLS = {
    "registered": (
        "clientTools.demo_tool = async ({ question }) => ({ said: question });",
        "What time is it",
    ),
    "a handler for all": ("options.onClientTool = ({ name }) => ({ said: name });", '"said": "demo_tool"'),
    "no object": ("clientTools.demo_tool = () => 'noon';", '"result": "noon"'),
    "throws": ("clientTools.demo_tool = () => { throw new Error('Boom'); };", "Boom"),
    "rejects": ("options.onClientTool = async () => { throw new Error('Boom'); };", "Boom"),
    "gives nothing": ("clientTools.demo_tool = () => {};", "gave no result"),
    "gives a function": ("clientTools.demo_tool = () => () => {};", "gave no result"),
    "is not JSON": ("clientTools.demo_tool = () => ({ number: 1n });", "BigInt"),
    "goes in circles": ("clientTools.demo_tool = () => { const a = {}; a.a = a; return a; };", "circular"),
    "is missing": ("", "This page has no function demo_tool."),
    "is another": ("clientTools.other = () => ({});", "This page has no function demo_tool."),
}


@pytest.mark.parametrize("what", TOOLS)
def test_page_tool_always_ends_in_something_that_the_model_reads(open_chat, console, what):
    console.expect("The client tool demo_tool failed")
    script, expected = TOOLS[what]
    page = open_chat(script)
    say(page, "/tool")
    expect(answers(page).last).to_contain_text("The tool demo_tool says:")
    expect(answers(page).last).to_contain_text(expected)
    assert requests(page).count("threads.add_client_tool_output") == 1


# Questions


def test_free_text(open_chat):
    page = open_chat()
    say(page, "/ask")
    page.get_by_role("textbox", name="What is your favourite colour?").fill("blue")
    page.get_by_role("button", name="Submit").click()
    expect(answers(page).last).to_contain_text("blue")
    reopen(page, "/ask")
    expect(answers(page).last).to_contain_text("blue")


def test_choosing(open_chat, console):
    page = open_chat()
    say(page, "/choose")
    page.get_by_role("radio", name="Tea").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("checkbox", name="Milk").check()
    page.get_by_role("textbox", name="With what?").fill("Honey")
    page.get_by_role("button", name="Submit").click()
    expect(answers(page).last).to_contain_text("What do you drink?: Tea; With what?: Milk, Honey")


def test_skipping_and_words_that_do_not_count(open_chat, console):
    """Said in the chat; the question is there again, also after a reload."""
    console.expect("400")
    page = open_chat()
    say(page, "/choose")
    page.get_by_role("button", name="Skip").click()
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("This question cannot be skipped")).to_be_visible()
    page.get_by_role("button", name="Back").click()
    page.get_by_role("textbox", name="What do you drink?").fill("Beer")
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Skip").click()
    expect(page.get_by_text("Please choose from the options.")).to_be_visible()
    page.reload()
    page.get_by_role("button", name="Conversation history").click()
    page.get_by_role("button", name="/choose").first.click()
    page.get_by_role("radio", name="Water").check()
    page.get_by_role("button", name="Next").click()
    page.get_by_role("button", name="Skip").click()
    expect(answers(page).last).to_contain_text("Water; With what?: skipped")


def test_two_tabs(open_chat, console):
    console.expect("409")
    page = open_chat()
    say(page, "/ask")
    expect(page.get_by_role("button", name="Submit")).to_be_visible()
    other = open_chat(page=page.context.new_page())
    other.get_by_role("button", name="Conversation history").click()
    other.get_by_role("button", name="/ask").first.click()
    for tab, colour in ((page, "blue"), (other, "red")):
        tab.get_by_role("textbox", name="What is your favourite colour?").fill(colour)
    page.get_by_role("button", name="Submit").click()
    expect(answers(page).last).to_contain_text("blue")
    other.get_by_role("button", name="Submit").click()
    expect(other.get_by_text("This was answered already.")).to_be_visible()
    data = ThreadItem.objects.get(type="structured_input").data
    assert "blue" in data
    assert '"red"' not in data
