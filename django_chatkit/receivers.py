"""What the app does when something happens elsewhere in Django."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest

from .context import VISITOR_SESSION_KEY
from .models import Attachment, Thread, attachment_storage


def claim_visitor_rows(sender: Any, request: HttpRequest, user: Any, **kwargs: Any) -> None:
    """Give the visitor's threads and files to the user who just signed in: one update each, and once.

    The visitor id leaves the session with it, so no later request can present it again. The rows
    keep it, so that an answer which is still being written for the visitor finds its thread.
    """
    session = getattr(request, "session", None)
    visitor = session.pop(VISITOR_SESSION_KEY, "") if session is not None else ""
    if visitor:
        with transaction.atomic():
            Thread.objects.filter(visitor=visitor, user__isnull=True).update(user=user)
            Attachment.objects.filter(visitor=visitor, user__isnull=True).update(user=user)


def delete_bytes(sender: Any, instance: Attachment, using: str, **kwargs: Any) -> None:
    """The row first, then its bytes, once that is final. What fails here is left to ``chatkit_prune``."""
    if instance.file:
        transaction.on_commit(instance.delete_bytes, using=using, robust=True)


def forget_storage(*, setting: str, **kwargs: Any) -> None:
    if setting in ("STORAGES", "MEDIA_ROOT", "MEDIA_URL"):
        attachment_storage.reset()
