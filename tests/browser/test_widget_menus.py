"""Mentions, commands, models and tools in the composer, with the stand-in for OpenAI's element."""

import json

import pytest
from django.core.cache import cache
from playwright.sync_api import expect

from django_chatkit.models import Thread, ThreadItem
from tests import standin
from tests.browser.pages import bodies, show
from tests.browser.test_widget_chat import answers, say, strict  # noqa: F401  (a fixture)
from tests.browser.test_widget_mount import swap
from tests.servers import MenuServer, ThreadEntity

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

SEARCHES = "**/chatkit/entities/menus/?*"


@pytest.fixture(autouse=True)
def fresh_cache():
    cache.clear()


@pytest.fixture
def kettle(user, other_user):
    Thread.objects.create_for(other_user, "menus", title="Secret kettle")
    return Thread.objects.create_for(user, "menus", title="Kettle with a lid")


def open_chat(page, tag="{% chatkit_widget 'menus' %}", head=""):
    show(page, tag, head=head, fake=standin.script())
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    page.get_by_role("textbox").click()


def options(page):
    """What the menu shows; the models are options too."""
    return page.locator(".editor-menu [role=option]")


def test_a_search_says_which_language_the_page_has(strict, kettle):  # noqa: F811
    open_chat(strict)
    with strict.expect_request(SEARCHES) as search:
        strict.keyboard.type("@k")
    assert search.value.headers["x-chatkit-language"] == "en"


def test_a_mention_from_the_menu_to_the_answer(strict, kettle):  # noqa: F811
    open_chat(strict)
    strict.keyboard.type("What about @kett")
    expect(options(strict)).to_have_count(1)
    expect(options(strict)).to_contain_text("Kettle with a lid")
    options(strict).click()
    expect(strict.locator(".editor .entity")).to_have_text("Kettle with a lid")
    strict.get_by_role("button", name="Send message").click()
    expect(answers(strict)).to_contain_text(f"[django_chatkit.thread:{kettle.pk}: Kettle with a lid, active]")
    chip = strict.locator("[data-thread-turn=user] .entity")
    chip.hover()
    expect(strict.get_by_role("tooltip")).to_contain_text("Preview of Kettle with a lid")
    chip.click()
    strict.wait_for_url(f"**/pages/page/?about={kettle.pk}")


def test_anothers_is_never_found(strict, kettle):  # noqa: F811
    open_chat(strict)
    with strict.expect_response(SEARCHES) as answer:
        strict.keyboard.type("@secret")
    assert answer.value.json() == []
    expect(options(strict)).to_have_count(0)


def test_the_button_in_the_composer(strict, kettle):  # noqa: F811
    open_chat(strict)
    strict.get_by_role("button", name="Mention").click()
    expect(options(strict)).to_have_text(["Kettle with a lid"])


def test_only_the_last_search_is_made(strict, kettle):  # noqa: F811
    asked = []
    strict.on("request", lambda request: asked.append(request.url) if "/entities/" in request.url else None)
    open_chat(strict)
    with strict.expect_response(lambda response: response.url.endswith("?q=kettle")):
        strict.keyboard.type("@kettle", delay=20)
    expect(options(strict)).to_have_count(1)
    assert asked[-1].endswith("?q=kettle")
    assert len(asked) <= 3


@pytest.mark.parametrize("status", [404, 429, 500, "abort", "html"])
def test_a_search_that_fails_finds_nothing(strict, console, kettle, status):  # noqa: F811
    def fail(route):
        if status == "abort":
            route.abort()
        elif status == "html":
            route.fulfill(body="<h1>Sign in</h1>", content_type="text/html")
        else:
            route.fulfill(status=status, json={"message": "No."})

    console.expect("Failed to load resource")
    warnings = []
    strict.on("console", lambda message: warnings.append(message.text) if message.type == "warning" else None)
    strict.route(SEARCHES, fail)
    open_chat(strict)
    strict.keyboard.type("@kettle")
    strict.wait_for_timeout(500)
    expect(options(strict)).to_have_count(0)
    assert any(text.startswith("django_chatkit:") for text in warnings)
    say(strict, "Hello")
    expect(answers(strict)).to_contain_text("You said: Hello")


@pytest.mark.parametrize(
    "url", ["javascript:window.hacked = 1", " javascript:window.hacked = 1", "data:,x", ""]
)
def test_a_click_leads_to_the_web_only(strict, kettle, url):  # noqa: F811
    strict.route("**/entity/?*", lambda route: route.fulfill(json={"preview": None, "url": url}))
    open_chat(strict)
    strict.keyboard.type("@kettle")
    options(strict).click()
    strict.get_by_role("button", name="Send message").click()
    strict.locator("[data-thread-turn=user] .entity").click()
    strict.wait_for_timeout(300)
    assert strict.url.endswith("/pages/page/")
    assert strict.evaluate("window.hacked") is None


def test_page_code_has_the_last_word(strict, kettle):  # noqa: F811
    head = """<script>
      document.addEventListener("chatkit:options", ({ detail: { options } }) => {
        const { onTagSearch } = options.entities;
        options.entities.onTagSearch = async (query) =>
          [...(await onTagSearch(query)), { id: "mine", title: "From the page", data: {} }];
        options.commands.onSearch = async () => [{ id: "hello", label: "Renamed" }];
      });
    </script>"""
    open_chat(strict, head=head)
    strict.keyboard.type("@kettle")
    expect(options(strict)).to_have_text(["Kettle with a lid", "From the page"])
    strict.get_by_role("textbox").fill("")
    strict.keyboard.type("/")
    expect(options(strict).first).to_have_text("Renamed")
    options(strict).first.click()
    expect(answers(strict)).to_contain_text("You said: Hello there")


def command(page, typed, label):
    page.get_by_role("textbox").fill("")
    page.get_by_role("textbox").click()
    page.keyboard.type(f"/{typed}")
    page.get_by_role("option", name=label).click()


def test_commands(strict, console):  # noqa: F811
    open_chat(strict)
    strict.keyboard.type("/finish")  # it is found by its description
    expect(options(strict)).to_contain_text(["Begin a question"])
    strict.keyboard.press("Enter")
    expect(strict.get_by_role("textbox")).to_have_text("Where is")
    command(strict, "hello", "Say hello")
    expect(answers(strict)).to_contain_text("You said: Hello there")
    command(strict, "more", "More")
    strict.get_by_role("option", name="Deeper").click()
    expect(answers(strict).last).to_contain_text("You said: Deep")
    command(strict, "ping", "Ping")
    expect(strict.get_by_text("Pong 1")).to_be_visible()


def test_a_command_chooses_model_and_tool(strict):  # noqa: F811
    open_chat(strict)
    command(strict, "use the", "Use the tool")
    expect(strict.get_by_label("Model")).to_have_value("good")
    expect(strict.locator("[data-tool=look]")).to_have_attribute("aria-pressed", "true")
    say(strict, "Hi")
    expect(answers(strict)).to_contain_text("You said: Hi")
    stored = json.loads(ThreadItem.objects.get(type="user_message").data)
    assert stored["inference_options"] == {"tool_choice": {"id": "look"}, "model": "good"}
    expect(strict.locator("[data-tool=look]")).to_have_attribute("aria-pressed", "true")  # it is persistent


def test_a_prompt_of_the_start_screen_with_a_mention(strict, kettle, monkeypatch):  # noqa: F811
    def get_options(self, context):
        mention = ThreadEntity.mention(kettle, context)
        prompt = [{"type": "input_text", "text": "What about "}, mention]
        return {"startScreen": {"prompts": [{"label": "The kettle", "prompt": prompt}]}}

    monkeypatch.setattr(MenuServer, "get_options", get_options)
    monkeypatch.setattr(MenuServer, "commands", [])
    open_chat(strict)
    strict.get_by_role("button", name="The kettle").click()
    expect(answers(strict)).to_contain_text("Kettle with a lid, active]")
    expect(strict.locator("[data-thread-turn=user] .entity")).to_have_text("Kettle with a lid")


def test_who_writes_too_often_reads_why(strict, console, monkeypatch):  # noqa: F811
    console.expect("429")
    monkeypatch.setattr(MenuServer, "message_rate", "1/d")
    open_chat(strict)
    say(strict, "One")
    expect(answers(strict)).to_contain_text("You said: One")
    say(strict, "Two")
    expect(strict.get_by_text("That was too much at once.")).to_be_visible()
    assert ThreadItem.objects.filter(type="user_message").count() == 1


def test_menus_come_with_a_swap(strict, kettle):  # noqa: F811
    """Scripts of a fragment run when they come: ours may come after the chat has started."""
    open_chat(strict, "<main id='target'></main>{% chatkit_widget 'public' %}")
    bodies["fragment"] = "{% chatkit_widget 'menus' %}"
    swap(strict)
    chat = strict.locator("#chatkit-menus")
    expect(chat).to_have_attribute("data-state", "ready")
    strict.wait_for_function("Symbol.for('django-chatkit-menus') in window")  # it may come a moment later
    chat.get_by_role("textbox").click()
    strict.keyboard.type("@kettle")
    expect(options(chat)).to_have_text(["Kettle with a lid"])
