"""Pages for the widget's browser tests: each test writes its own template."""

from urllib.parse import parse_qs, urlsplit

from django.http import HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.template import engines
from django.urls import include, path

from tests.urls import urlpatterns as project

SHELL = """{{% load chatkit static %}}<!doctype html>
<html lang="en">
  <head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Test</title><link rel="icon" href="data:,"></head>
  <body>{body}</body>
</html>"""

bodies = {}
headers = {}


def page(request, name):
    """A whole page with the template of a test, or the template alone."""
    body = bodies[name]
    text = body if "fragment" in request.GET else SHELL.format(body=body)
    template = engines["django"].from_string("{% load chatkit %}" * ("fragment" in request.GET) + text)
    response = HttpResponse(template.render({}, request))
    for header, value in headers.items():
        response[header] = value
    return response


def fresh_token(request):
    return JsonResponse({"token": get_token(request)})


urlpatterns = [
    path("pages/<slug:name>/", page),
    path("chatkit/csrf/", include(([path("", fresh_token, name="csrf")], "django_chatkit"), "tokens")),
    *project,
]

__all__ = ["bodies", "headers", "parse_qs", "urlpatterns", "urlsplit"]
