"""The admin's pages in a real browser: nothing runs, nothing is loaded, and a keyboard gets everywhere."""

import os
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, sync_playwright

from django_chatkit.models import Feedback, Thread, ThreadItem
from tests.test_admin import fill, make_message, make_thread
from tests.test_transcript import HOSTILE, row

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

LIST = "/admin/django_chatkit/thread/"
POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self'; object-src 'none'"


@pytest.fixture(scope="module")
def chromium():
    """Playwright's loop runs in this thread, which Django would take for async code."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()
    os.environ.pop("DJANGO_ALLOW_ASYNC_UNSAFE")
    if before is not None:
        os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = before


@pytest.fixture(params=["light", "dark"])
def page(request, chromium, live_server, client, admin_user):
    """A page under a strict policy, signed in as an administrator, that writes down what goes wrong."""
    client.force_login(admin_user)
    context = chromium.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 900})
    context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page = context.new_page()
    page.wrongs = []
    page.on("console", lambda message: page.wrongs.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: page.wrongs.append(str(error)))
    page.on("dialog", lambda dialog: (page.wrongs.append(dialog.message), dialog.dismiss()))
    page.on(
        "request", lambda sent: None if sent.url.startswith(live_server.url) else page.wrongs.append(sent.url)
    )
    page.route("**/admin/**", forbid)
    yield page
    page.unroute_all(behavior="wait")
    context.close()


def forbid(route):
    """Send documents with the policy, as a site would."""
    if route.request.resource_type != "document":
        route.continue_()
        return
    response = route.fetch()
    route.fulfill(response=response, headers={**response.headers, "content-security-policy": POLICY})


def keep(page: Page, name: str) -> None:
    """A picture for people, where somebody asked for pictures."""
    if folder := os.environ.get("CHATKIT_SCREENSHOTS"):
        scheme = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'")
        page.screenshot(path=f"{folder}/{name}-{scheme}.png", full_page=True)


@pytest.fixture
def thread(admin_user):
    thread = make_thread(1, title="Where is my parcel?", user=admin_user, metadata={"order": 1042})
    fill(thread)
    answer = thread.items.get(type="assistant_message")
    Feedback.objects.create(item=answer, kind="negative")
    call = '{"name": "ask_location", "status": "pending", "arguments": {"why": "delivery"}}'
    ThreadItem.objects.create(thread=thread, item_id="tc_9", type="client_tool_call", data=call)
    ThreadItem.objects.create(thread=thread, item_id="new_1", type="brand_new", data='{"a": [1, 2]}')
    make_message(thread, 20, "أين طلبي؟ رقم 1042")
    return thread


def test_page_of_a_thread(page, live_server, thread):
    page.goto(f"{live_server.url}{LIST}{thread.pk}/change/")
    entries = page.get_by_role("region", name="Transcript").get_by_role("article")
    assert entries.count() == 14
    assert entries.first.get_by_role("heading", level=3).inner_text() == "User message"
    assert page.get_by_role("article", name="Hidden context", exact=True).is_visible()
    keep(page, "change")
    assert page.wrongs == []


def test_a_usual_window_shows_the_last_activity(page, live_server, thread):
    page.goto(f"{live_server.url}{LIST}")
    results = page.locator(".results").bounding_box()
    moment = page.locator("td.field-updated_at").bounding_box()
    assert moment["x"] + moment["width"] <= results["x"] + results["width"]


def test_a_telephone_has_room_for_the_actions(page, live_server, thread):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}{LIST}")
    assert page.locator("select[name=action]").bounding_box()["width"] > 200
    assert page.locator("input[name=status_reason]").bounding_box()["width"] > 200


def test_details_open_with_the_keyboard(page, live_server, thread):
    page.goto(f"{live_server.url}{LIST}{thread.pk}/change/")
    call = page.get_by_role("article", name="Client tool call").first
    arguments = call.get_by_text('"precise": true')
    assert not arguments.is_visible()
    call.get_by_text("Arguments").focus()
    page.keyboard.press("Enter")
    assert arguments.is_visible()


def test_nothing_overflows_on_a_phone(page, live_server, thread):
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{live_server.url}{LIST}{thread.pk}/change/")
    section = page.get_by_role("region", name="Transcript")
    assert section.evaluate("element => element.scrollWidth <= element.clientWidth")
    assert section.bounding_box()["width"] <= 390
    keep(page, "change-phone")


def test_hostile_thread_runs_nothing_and_loads_nothing(page, live_server):
    thread = make_thread(1, title=HOSTILE[1], metadata={HOSTILE[0]: HOSTILE[2]})
    for number, text in enumerate(HOSTILE):
        clean = text.encode("utf-8", "replace").decode().replace("\0", "")
        data = row("assistant_message", {"content": [{"text": clean}]}).data
        ThreadItem.objects.create(
            thread=thread, item_id=f"{number} {clean}", type="assistant_message", data=data
        )
        ThreadItem.objects.create(thread=thread, item_id=f"{number} raw", type="unheard_of", data=clean)
    page.goto(f"{live_server.url}{LIST}{thread.pk}/change/")
    assert page.get_by_role("article").count() == 2 * len(HOSTILE)
    page.goto(f"{live_server.url}{LIST}")
    assert page.get_by_text(HOSTILE[1]).first.is_visible()
    assert page.wrongs == []


def test_list_of_threads(page, live_server, thread, django_user_model):
    person = django_user_model.objects.create_user("maria")
    states = ["active", "locked", "closed", "active"]
    for number, status in enumerate(states, start=2):
        other = make_thread(
            number,
            title=["Refund for order 77", "Opening hours", "", "فاتورة شهر مارس"][number - 2],
            status=status,
            user=person if number % 2 else None,
            updated_at=timezone.now() - timedelta(days=number * 9),
        )
        make_message(other, 1, "hello")
    page.goto(f"{live_server.url}{LIST}")
    assert page.get_by_role("link", name="Refund for order 77").is_visible()
    keep(page, "list")
    page.get_by_role("checkbox", name="Select this object").nth(1).check()
    page.get_by_label("Action:").select_option(label="Close selected threads")
    page.get_by_label("Reason:").fill("Answered by e-mail")
    page.get_by_role("button", name="Go").click()
    page.get_by_text("1 thread: closed.").wait_for()
    closed = Thread.objects.get(status_reason="Answered by e-mail")
    assert closed.status == "closed"
    assert page.wrongs == []
