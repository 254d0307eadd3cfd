"""What the app does when something happens elsewhere in Django."""

from typing import Any

from django.http import HttpRequest

from .context import VISITOR_SESSION_KEY
from .models import Thread


def claim_visitor_threads(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Give the visitor's threads to the user who just signed in: one update, and once.

    The visitor id leaves the session with it, so no later request can present it again. The rows
    keep it, so that an answer which is still being written for the visitor finds its thread.
    """
    session = getattr(request, "session", None)
    visitor = session.pop(VISITOR_SESSION_KEY, "") if session is not None else ""
    if visitor:
        Thread.objects.filter(visitor=visitor, user__isnull=True).update(user=user)
