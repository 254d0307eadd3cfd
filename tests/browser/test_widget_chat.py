"""From the tag to the database and back, with the stand-in for OpenAI's element."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from django_chatkit.csp import CHATKIT_CSP
from django_chatkit.models import Thread
from tests import standin
from tests.browser.pages import show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

ROOT = Path(__file__).resolve().parents[2]
POLICY = "; ".join(
    f"{name} {' '.join(sources)}" for name, sources in {"img-src": ["data:"], **CHATKIT_CSP}.items()
)


def say(page, text):
    page.get_by_role("textbox").fill(text)
    page.get_by_role("button", name="Send message").click()


def answers(page):
    return page.locator("[data-thread-turn=assistant]")


@pytest.fixture
def strict(page, live_server, client, user):
    """Ann's page. The stand-in notes whatever OpenAI's element would not take."""
    # Not a visitor's: a new session would be written beside the answer, which SQLite in memory refuses.
    client.force_login(user)
    cookie = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
    page.context.add_cookies([cookie])
    yield page
    violations = "[...document.querySelectorAll('openai-chatkit')].flatMap((chat) => chat.violations ?? [])"
    assert page.evaluate(violations) == []


@pytest.mark.parametrize("mode", ["inline", "floating"])
def test_a_conversation(strict, console, mode):
    console.expect("Applying inline style violates")  # its own, as the real element's: see docs/howto
    show(strict, f"{{% chatkit_widget 'public' mode='{mode}' %}}", fake=standin.script(), policy=POLICY)
    if mode == "floating":
        strict.get_by_role("button", name="Chat", exact=True).click()
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    say(strict, "Hello there")
    expect(answers(strict)).to_contain_text("You said: Hello there")
    say(strict, "Once more")
    expect(answers(strict).last).to_contain_text("You said: Once more")
    assert Thread.objects.get().title == "Hello there"


def test_two_assistants(strict):
    show(
        strict,
        "{% chatkit_widget 'public' greeting='One' %}{% chatkit_widget 'public' greeting='Two' %}",
        fake=standin.script(),
    )
    expect(strict.locator("django-chatkit[data-state=ready]")).to_have_count(2)
    expect(strict.get_by_text("One")).to_be_visible()
    expect(strict.get_by_text("Two")).to_be_visible()


def test_what_the_server_refuses_is_shown_and_not_sent_again(strict, console, monkeypatch):
    console.expect("403")
    posts = []
    strict.on("request", lambda request: posts.append(request.method) if request.method == "POST" else None)
    show(strict, "{% chatkit_widget 'public' history=False %}", fake=standin.script())
    expect(strict.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    monkeypatch.setattr("tests.servers.PublicServer.has_permission", lambda self, context: False)
    say(strict, "Hello there")
    expect(strict.get_by_text("You may not use this chat.")).to_be_visible()
    assert posts == ["POST"]


def test_a_theme_that_changes_keeps_the_conversation(strict):
    strict.emulate_media(color_scheme="light")
    show(strict, "{% chatkit_widget 'public' %}", fake=standin.script())
    say(strict, "Hello there")
    expect(answers(strict)).to_contain_text("You said: Hello there")
    strict.emulate_media(color_scheme="dark")
    expect(answers(strict)).to_contain_text("You said: Hello there")


def test_options_that_page_code_spoils_are_refused(page):
    script = """<script>document.addEventListener("chatkit:options", ({ detail: { options } }) => {
      options.header = { title: { content: "Help" } };
    });</script>"""
    show(page, script + "{% chatkit_widget 'public' %}", fake=standin.script())
    expect(page.locator("django-chatkit")).to_have_attribute("data-problem", "options")


def test_the_how_to_that_keeps_the_conversation_over_a_reload(strict):
    guide = (ROOT / "docs" / "howto" / "page-code.md").read_text()
    code = re.findall(r"```js\n(.*?)```", guide.split("after a reload", 1)[1], re.DOTALL)[0]
    script = f"<script type='module'>{code}</script>"
    show(strict, "{% chatkit_widget 'public' %}" + script, fake=standin.script())
    say(strict, "Hello there")
    expect(answers(strict)).to_contain_text("You said: Hello there")
    strict.reload()
    expect(answers(strict)).to_contain_text("You said: Hello there")
