"""ChatKit's element as the tests play it, for where OpenAI's CDN cannot be reached."""

import sys

from django.conf import settings
from django.http import HttpRequest, HttpResponse

sys.path.insert(1, str(settings.BASE_DIR.parent))  # the stand-in lives beside the tests

from tests import standin


def script(request: HttpRequest) -> HttpResponse:
    return HttpResponse(standin.script(), content_type="text/javascript; charset=utf-8")
