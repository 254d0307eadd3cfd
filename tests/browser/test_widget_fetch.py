"""Requests carry Django's token, and whatever comes back, the component can show it."""

import json

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import expect

from tests.browser.pages import show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

API = "**/chatkit/public/"
WIDGET = "{% chatkit_widget 'public' %}"
HTML = "<!doctype html><title>Sign in</title>"
SENTENCE = "The server's own sentence."
SIGNED_OUT = "You are signed out. Reload the page and sign in again."
FORBIDDEN = "This was refused. Reload the page and try again."
UNAVAILABLE = "The chat is not available at the moment. Try again later."
OFFLINE = "The message could not be sent. Check your connection and try again."


@pytest.fixture
def opened(page, console):
    console.expect("Failed to load resource")
    show(page, WIDGET)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    return page


def request(page, streaming, init=None):
    return page.locator("openai-chatkit").evaluate(
        "(chat, [streaming, init]) => chat.request(streaming, init)", [streaming, init or {}]
    )


def answer(page, status, content_type, body, **headers):
    """Answer like this, and count how often."""
    posts = []

    def fulfill(route):
        posts.append(route.request)
        route.fulfill(status=status, body=body, headers={"Content-Type": content_type, **headers})

    page.route(API, fulfill)
    return posts


def error_event(reply):
    """The one event of a stream that we made."""
    assert reply["status"] == 200
    assert reply["type"] == "text/event-stream"
    assert reply["text"].startswith("data: ")
    assert reply["text"].endswith("\n\n")
    event = json.loads(reply["text"].removeprefix("data: "))
    assert (event.pop("type"), event.pop("code")) == ("error", "custom")
    return event["message"], event["allow_retry"]


REFUSAL = json.dumps({"message": SENTENCE, "code": "x"})


@pytest.mark.parametrize(
    ("status", "content_type", "body", "message", "retry"),
    [
        (400, "application/json", REFUSAL, SENTENCE, False),
        (401, "application/json", REFUSAL, SENTENCE, False),
        (403, "application/json", REFUSAL, SENTENCE, False),
        (404, "application/json; charset=utf-8", REFUSAL, SENTENCE, False),
        (429, "application/json", REFUSAL, SENTENCE, True),
        (503, "application/json", REFUSAL, SENTENCE, True),
        (401, "text/html", HTML, SIGNED_OUT, False),
        (403, "text/html", HTML, FORBIDDEN, False),
        (413, "text/html", HTML, "This is too large to send.", False),
        (429, "text/plain", "", "Too many messages at once. Wait a moment and try again.", True),
        (500, "text/html", HTML, UNAVAILABLE, True),
        (502, "text/html", HTML, UNAVAILABLE, True),
        (504, "application/json", "not JSON", UNAVAILABLE, True),
        (500, "application/json", '{"message": 7}', UNAVAILABLE, True),
        (500, "text/event-stream", "data: {}\n\n", UNAVAILABLE, True),
        (200, "text/html", HTML, UNAVAILABLE, False),
        (200, "application/json", "{}", UNAVAILABLE, False),
        (200, "application/x-ndjson", "{}", UNAVAILABLE, False),
        (302, "text/html", "", SIGNED_OUT, False),
    ],
)
def test_a_stream_that_is_none_becomes_one_error_event(opened, status, content_type, body, message, retry):
    location = {"Location": "/admin/login/"} if status == 302 else {}
    posts = answer(opened, status, content_type, body, **location)
    assert error_event(request(opened, True)) == (message, retry)
    assert len(posts) == 1


def test_a_stream_passes_untouched(opened):
    answer(opened, 200, "text/event-stream; charset=utf-8", 'data: {"type":"x"}\n\n')
    reply = request(opened, True)
    assert reply["text"] == 'data: {"type":"x"}\n\n'
    assert reply["type"] == "text/event-stream; charset=utf-8"


def test_a_stream_without_a_network(opened):
    opened.route(API, lambda route: route.abort())
    assert error_event(request(opened, True)) == (OFFLINE, True)


@pytest.mark.parametrize(
    ("status", "content_type", "body", "expected"),
    [
        (200, "application/json", '{"data": []}', (200, '{"data": []}')),
        (204, "text/plain", "", (204, "")),
        (404, "application/json", REFUSAL, (404, REFUSAL)),
        (200, "text/html", HTML, (400, {"message": UNAVAILABLE})),
        (302, "text/html", "", (400, {"message": SIGNED_OUT})),
        (403, "text/html", HTML, (403, {"message": FORBIDDEN})),
        (500, "text/html", HTML, (500, {"message": UNAVAILABLE})),
    ],
)
def test_other_replies_are_json_or_an_error(opened, status, content_type, body, expected):
    location = {"Location": "/admin/login/"} if status == 302 else {}
    answer(opened, status, content_type, body, **location)
    reply = request(opened, False)
    text = reply["text"] if isinstance(expected[1], str) else json.loads(reply["text"])
    assert (reply["status"], text) == expected


def test_other_requests_without_a_network_fail_as_fetch_does(opened):
    opened.route(API, lambda route: route.abort())
    assert opened.locator("openai-chatkit").evaluate(
        "chat => chat.request(false).catch((error) => error.name)"
    ) == ("TypeError")


@pytest.mark.parametrize("streaming", [True, False])
def test_stop_is_no_failure(opened, streaming):
    opened.route(API, lambda route: None)
    assert (
        opened.locator("openai-chatkit").evaluate(
            """async (chat, streaming) => {
          const controller = new AbortController();
          const asked = chat.request(streaming, { signal: controller.signal });
          controller.abort();
          return asked.catch((error) => error.name);
        }""",
            streaming,
        )
        == "AbortError"
    )
    opened.unroute_all()


def test_requests_keep_what_the_component_says(opened):
    posts = answer(opened, 200, "application/json", "{}")
    request(opened, False)
    [post] = posts
    headers = post.all_headers()
    [cookie] = [cookie for cookie in opened.context.cookies() if cookie["name"] == "csrftoken"]
    assert headers["x-csrftoken"] == cookie["value"]
    assert headers["content-type"] == "application/json"
    assert headers["x-chatkit-language"] == "en"
    assert post.post_data_json == {"type": "threads.list", "params": {}}


def test_the_token_stays_on_this_site(opened):
    seen = []

    def fulfill(route):
        seen.append(route.request.all_headers())
        route.fulfill(status=200, body="{}", headers={"Access-Control-Allow-Origin": "*"})

    opened.route("https://files.example/**", fulfill)
    opened.locator("openai-chatkit").evaluate(
        "chat => chat.options.api.fetch('https://files.example/x', { method: 'POST', body: 'x' })"
    )
    assert len(seen) == 1
    assert "x-csrftoken" not in seen[0]


# CSRF, with the real view


def works(page):
    reply = request(page, False)
    return reply["status"] == 200 and "data" in json.loads(reply["text"])


def sign_in_elsewhere(page):
    get_user_model().objects.create_user("ann", password="ann")
    other = page.context.new_page()
    other.goto("/sign-in/")
    other.close()


def test_a_token_that_changed_in_another_tab(opened):
    sign_in_elsewhere(opened)
    assert works(opened)


def test_names_of_ones_own(page, settings):
    settings.CSRF_COOKIE_NAME = "mine"
    settings.CSRF_HEADER_NAME = "HTTP_X_MINE"
    show(page, WIDGET)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    assert works(page)


@pytest.mark.parametrize("setting", ["CSRF_COOKIE_HTTPONLY", "CSRF_USE_SESSIONS"])
def test_a_token_that_scripts_cannot_see(page, settings, setting):
    setattr(settings, setting, True)
    show(page, WIDGET)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    assert works(page)


@pytest.mark.parametrize("setting", ["CSRF_COOKIE_HTTPONLY", "CSRF_USE_SESSIONS"])
def test_a_token_that_scripts_cannot_see_and_that_changed(page, console, settings, setting, monkeypatch):
    console.expect("403")
    setattr(settings, setting, True)
    monkeypatch.setattr(
        "django_chatkit.widget.data.get_url",
        lambda request, name, kwargs=None: "/tokens/" if name == "csrf" else "/chatkit/public/",
    )
    show(page, WIDGET)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    sign_in_elsewhere(page)
    assert works(page)
    assert works(page)


def test_a_request_is_repeated_only_once(opened):
    posts = answer(opened, 403, "application/json", '{"message": "Out of date.", "code": "csrf_failed"}')
    assert error_event(request(opened, True)) == ("Out of date.", False)
    assert len(posts) == 2
