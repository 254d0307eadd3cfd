"""Checks of middleware: does one of them want an answer to be finished that is still being written?"""

from __future__ import annotations

import inspect
import re
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register
from django.utils.module_loading import import_string

from django_chatkit.checks.values import TAG

CONTENT = re.compile(r"\bresponse\.(content|text|getvalue)\b")
HINT = (
    "Let it leave such answers alone: `if not response.streaming: …`. "
    "`manage.py chatkit_doctor --stream` tries it out."
)


@register(TAG)
def check_streaming(**kwargs: Any) -> list[CheckMessage]:
    """Reads the source and runs nothing, so it finds the plain cases. Django's own were tried."""
    return [
        Warning(
            f"{path!r} reads the content of responses, which a streamed answer does not have.",
            hint=HINT,
            id="chatkit.W016",
        )
        for path in settings.MIDDLEWARE
        if not path.startswith(("django.", "django_chatkit.")) and wants_content(path)
    ]


def wants_content(path: str) -> bool:
    """Without asking first whether the response is a stream."""
    try:
        source = inspect.getsource(import_string(path))
    except (ImportError, OSError, TypeError):  # not there, or not written in Python
        return False
    return CONTENT.search(source) is not None and "streaming" not in source
