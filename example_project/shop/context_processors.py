"""What the pages say about how the example runs."""

from django.conf import settings
from django.http import HttpRequest


def example(request: HttpRequest) -> dict[str, object]:
    return {"standin": settings.STANDIN, "model": settings.OPENAI_MODEL}
