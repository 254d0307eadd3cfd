"""ChatKit's element as the tests play it, for where OpenAI's CDN cannot be reached."""

import sys

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse

TESTS = settings.BASE_DIR.parent


def script(request: HttpRequest) -> HttpResponse:
    if not settings.STANDIN:
        raise Http404
    if str(TESTS) not in sys.path:
        sys.path.append(str(TESTS))
    from tests import standin

    return HttpResponse(standin.script(), content_type="text/javascript; charset=utf-8")
