"""URLs for the tests."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("chatkit/", include("django_chatkit.urls")),
]
