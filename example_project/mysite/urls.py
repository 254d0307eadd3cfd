"""The addresses of the example."""

from django.contrib import admin
from django.urls import include, path

from .standin import script

urlpatterns = [
    path("", include("shop.urls")),
    path("chatkit/", include("django_chatkit.urls")),
    path("accounts/", include("django.contrib.auth.urls")),
    path("admin/", admin.site.urls),
    path("standin.js", script),
]
