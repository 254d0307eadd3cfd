"""Pages for the widget's browser tests: each test writes its own template."""

from pathlib import Path

from django.contrib.auth import login
from django.contrib.auth.models import User
from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.urls import include, path

from tests.urls import urlpatterns as project

CDN = "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js"
FAKE = Path(__file__).with_name("fake_chatkit.js").read_text()
SHELL = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>Test</title>
    <link rel="icon" href="data:,">
    %(head)s
  </head>
  <body>%(body)s</body>
</html>"""

bodies, headers = {}, {}


def show(page, body, *, head="", fake=FAKE, policy=""):
    """Open a page with this template. ``fake`` is for OpenAI's script: its text, or what else to do."""
    page.route(CDN, fake if callable(fake) else lambda route: fulfill(route, fake))
    bodies["page"] = SHELL % {"head": head, "body": body}
    headers.clear()
    if policy:
        headers["Content-Security-Policy"] = policy
    page.goto("/pages/page/")


def fulfill(route, script):
    route.fulfill(body=script, content_type="text/javascript")


def out_of_reach(route):
    route.abort()


def shown(request, name):
    template = engines["django"].from_string("{% load chatkit static %}" + bodies[name])
    response = HttpResponse(template.render({}, request))
    for header, value in headers.items():
        response[header] = value
    return response


def sign_in_elsewhere(request):
    """As another tab would: a new session, and a new CSRF token."""
    login(request, User.objects.get())
    return HttpResponse("Welcome")


def csrf(request):
    return JsonResponse({"token": get_token(request)})


tokens = ([path("", csrf, name="csrf")], "django_chatkit")

urlpatterns = [
    path("pages/<slug:name>/", shown),
    path("sign-in/", sign_in_elsewhere),
    path("tokens/", include(tokens, "tokens")),
    *project,
]
