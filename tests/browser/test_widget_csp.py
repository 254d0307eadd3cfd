"""Strict policies: the chat runs under them, and where they are too strict, the page says so."""

import pytest
from playwright.sync_api import expect

from django_chatkit.csp import CDN, CHATKIT_CSP
from tests.browser.pages import FAKE, show

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.browser.pages"),
]

WIDGET = "{% chatkit_widget 'public' height=400 %}"
STYLE = "this.shadowRoot.append(Object.assign(document.createElement('style'), { textContent: 'iframe {}' }))"
FRAME = f"this.shadowRoot.querySelector('iframe').src = '{CDN}/frame.html'"


def policy(**changes):
    directives = {"default-src": ["'none'"], "img-src": ["data:"], **CHATKIT_CSP}
    directives |= {name.replace("_", "-"): sources for name, sources in changes.items()}
    return "; ".join(f"{name} {' '.join(sources)}" for name, sources in directives.items())


def fake(*statements):
    """An element that does what OpenAI's does: a style and a frame of its own."""
    return FAKE.replace("this.calls.push(options);", "this.calls.push(options);" + ";".join(statements) + ";")


@pytest.fixture
def frames(page):
    page.route(f"{CDN}/frame.html", lambda route: route.fulfill(body="<p>Hello", content_type="text/html"))


@pytest.mark.parametrize("mode", ["inline", "floating"])
def test_it_runs_under_our_policy(page, frames, console, mode):
    show(page, f"{{% chatkit_widget 'public' height=400 mode='{mode}' %}}", policy=policy(), fake=fake(FRAME))
    if mode == "floating":
        page.get_by_role("button", name="Chat").click()
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    expect(page.frame_locator("openai-chatkit iframe").get_by_text("Hello")).to_be_visible()
    assert page.locator("openai-chatkit").evaluate("chat => chat.request(false)")["status"] == 200


def test_the_frame_fills_its_host_though_the_components_style_is_forbidden(page, frames, console):
    console.expect("style")
    show(page, WIDGET, policy=policy(), fake=fake(STYLE, FRAME))
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    box = page.locator("openai-chatkit iframe").bounding_box()
    assert box["height"] == 400
    assert box == page.locator("openai-chatkit").bounding_box()


def nonces_only(nonce):
    return {
        "default-src": ["'none'"],
        "script-src": [nonce],
        "style-src": [nonce],
        "connect-src": ["'self'"],
        "img-src": ["data:"],
    }


@pytest.fixture
def django_csp(settings):
    constants = pytest.importorskip("csp.constants")
    settings.MIDDLEWARE = ["csp.middleware.CSPMiddleware", *settings.MIDDLEWARE]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": nonces_only(constants.NONCE)}


@pytest.fixture
def django_6(settings):
    reason = "not for this run: Django before 6 has no policy of its own"
    constants = pytest.importorskip("django.utils.csp", reason=reason)
    middleware = "django.middleware.csp.ContentSecurityPolicyMiddleware"
    settings.MIDDLEWARE = [middleware, *settings.MIDDLEWARE]
    settings.SECURE_CSP = nonces_only(constants.CSP.NONCE)


@pytest.mark.parametrize("policy_of", ["django_csp", "django_6"])
def test_it_runs_with_a_nonce_alone(page, request, policy_of):
    request.getfixturevalue(policy_of)
    show(page, WIDGET)
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
    assert page.locator("openai-chatkit").bounding_box()["height"] == 400


def test_the_script_is_forbidden(page, console, settings):
    settings.DEBUG = True
    console.expect("Content Security Policy")
    show(page, WIDGET, policy=policy(script_src=["'self'"]))
    expect(page.locator("django-chatkit")).to_have_attribute("data-problem", "blocked")
    panel = page.get_by_role("alert")
    expect(panel).to_contain_text("The chat is blocked on this page.")
    expect(panel).to_contain_text("Merge django_chatkit.csp.CHATKIT_CSP into it.")
    expect(panel).to_contain_text("script-src-elem: https://cdn.platform.openai.com/")


def test_the_frame_is_forbidden(page, console):
    console.expect("Content Security Policy", "Framing")
    show(page, WIDGET, policy=policy(frame_src=["'self'"]), fake=fake(FRAME).replace("this.begin()", "{}"))
    expect(page.locator("django-chatkit")).to_have_attribute("data-problem", "blocked")


def test_violations_of_others_are_not_ours(page, console):
    console.expect("Content Security Policy", "Framing")
    other = "<iframe src='https://other.example/'></iframe>"
    show(page, other + WIDGET, policy=policy())
    expect(page.locator("django-chatkit")).to_have_attribute("data-state", "ready")
