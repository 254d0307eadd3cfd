"""The language of an answer is that of the page, whatever the address of the request would give."""

from __future__ import annotations

from contextlib import suppress

from django.http import HttpRequest
from django.utils import translation
from django.utils.translation import get_supported_language_variant

LANGUAGE_HEADER = "X-ChatKit-Language"
"""The language of the page, which the scripts of the page send along."""


def speak_as_the_page(request: HttpRequest) -> None:
    """A page may have another language than its address here: from a prefix of its own, or from a block.

    Only where a middleware chooses the language of each request anew, or it would stay for the next.
    """
    if hasattr(request, "LANGUAGE_CODE"):
        with suppress(LookupError):
            language = get_supported_language_variant(request.headers.get(LANGUAGE_HEADER, ""))
            translation.activate(language)
            request.LANGUAGE_CODE = language
