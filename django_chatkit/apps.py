"""The app's configuration: its name, and the joints that Django wants hooked up at start."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.utils.translation import gettext_lazy as _


class DjangoChatKitConfig(AppConfig):
    name = "django_chatkit"
    verbose_name = _("ChatKit")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import checks  # registers the system checks
        from .receivers import claim_visitor_threads

        checks.sdk.require_sdk()
        user_logged_in.connect(claim_visitor_threads, dispatch_uid="django_chatkit.claim_visitor_threads")
