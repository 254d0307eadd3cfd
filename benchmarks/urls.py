"""Our side's addresses, and one to read its counters."""

from django.http import HttpRequest, JsonResponse
from django.urls import include, path

from .site import counter


async def counts(request: HttpRequest) -> JsonResponse:
    return JsonResponse(counter.read())


urlpatterns = [path("chatkit/", include("django_chatkit.urls")), path("counts/", counts)]
