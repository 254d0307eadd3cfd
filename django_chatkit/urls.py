"""The addresses that the widget talks to: ``include`` them where you like.

The default server answers at the root, every other one under its alias.
"""

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.urls import path

if not apps.is_installed("django_chatkit"):
    raise ImproperlyConfigured('Add "django_chatkit" to INSTALLED_APPS: its URLs are included.')

from . import views

app_name = "django_chatkit"

urlpatterns = [
    # A dot, which no alias can have, keeps this apart from the servers.
    path("csrf.json", views.csrf, name="csrf"),
    path("", views.api, name="api"),
    path("<slug:server>/", views.api, name="api"),
    path("entities/<slug:server>/", views.entities, name="entities"),
    path("entities/<slug:server>/entity/", views.entity, name="entity"),
    path("attachments/<slug:server>/upload/", views.upload, name="upload"),
    path("attachments/<slug:server>/upload/<slug:attachment_id>/", views.upload, name="upload"),
    path("attachments/<str:token>/", views.attachment, name="attachment"),
]
