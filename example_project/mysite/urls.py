"""The addresses of the example."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("", include("shop.urls")),
    path("chatkit/", include("django_chatkit.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
]

if settings.STANDIN:
    from .standin import script

    urlpatterns.append(path("standin.js", script))
