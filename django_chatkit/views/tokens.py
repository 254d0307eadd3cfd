"""Django's CSRF check, whose refusal the component can show, and a fresh token for the page."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware, get_token
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from django_chatkit.exceptions import Refused
from django_chatkit.logs import logger

from .refusals import json_response


@login_not_required
@require_safe
def csrf(request: HttpRequest) -> HttpResponse:
    """The page's CSRF token anew, for scripts that cannot see the cookie: a login elsewhere changed it.

    Another site cannot read it: there is no CORS header, and the token is of no use without the cookie.
    """
    return json_response(JsonResponse({"token": get_token(request)}))


class CSRFCheck(CsrfViewMiddleware):
    """Django's check, whose refusal is a reason and not a page."""

    def _reject(self, request: HttpRequest, reason: str) -> str:
        return reason


def check_csrf(request: HttpRequest) -> None:
    check = CSRFCheck(lambda request: HttpResponse())
    check.process_request(request)
    reason: Any = check.process_view(request, None, (), {})  # type: ignore[arg-type]
    if reason is not None:
        logger.warning("Forbidden (%s): %s", reason, request.path, extra={"status_code": 403})
        raise Refused(403, "csrf_failed", _("This page is out of date. Reload it and try again."))
