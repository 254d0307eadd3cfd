"""The app's configuration: its name, and the joints that Django wants hooked up at start."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core.signals import setting_changed
from django.db.models.signals import post_delete
from django.utils.translation import gettext_lazy as _


class DjangoChatKitConfig(AppConfig):
    name = "django_chatkit"
    verbose_name = _("ChatKit")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks, receivers  # checks registers the system checks
        from .models import Attachment

        checks.sdk.require_sdk()
        user_logged_in.connect(receivers.claim_visitor_rows, dispatch_uid="django_chatkit.claim_visitor_rows")
        post_delete.connect(receivers.delete_bytes, Attachment, dispatch_uid="django_chatkit.delete_bytes")
        setting_changed.connect(receivers.forget_storage, dispatch_uid="django_chatkit.forget_storage")
