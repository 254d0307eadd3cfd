"""Every ``CHATKIT_*`` setting, read afresh at each access so that ``override_settings`` works."""

from typing import Any

from django.conf import settings

LOCAL_DOMAIN_KEY = "local-dev"


class Settings:
    """One property for each setting: its name, type, default and meaning."""

    @property
    def CHATKIT_SERVERS(self) -> dict[str, str]:
        """Dotted paths of server classes by alias; ``"default"`` answers at the root of the URLs."""
        return getattr(settings, "CHATKIT_SERVERS", {"default": "django_chatkit.demo.DemoServer"})

    @property
    def CHATKIT_OPTIONS(self) -> dict[str, Any]:
        """ChatKit.js options for every widget of the site; server classes and tags override them."""
        return getattr(settings, "CHATKIT_OPTIONS", {})

    @property
    def CHATKIT_DOMAIN_KEY(self) -> str:
        """The key OpenAI gives for your domain; not needed on localhost."""
        return getattr(settings, "CHATKIT_DOMAIN_KEY", LOCAL_DOMAIN_KEY)

    @property
    def CHATKIT_SCRIPT_URL(self) -> str:
        """Where the page loads the ``<openai-chatkit>`` element from."""
        return getattr(
            settings,
            "CHATKIT_SCRIPT_URL",
            "https://cdn.platform.openai.com/deployments/chatkit/chatkit.js",
        )

    @property
    def CHATKIT_MAX_BODY_SIZE(self) -> int:
        """Largest request body that is read, in bytes; more is answered with 413."""
        return getattr(settings, "CHATKIT_MAX_BODY_SIZE", 1024 * 1024)

    @property
    def CHATKIT_HEARTBEAT_SECONDS(self) -> float:
        """Seconds of silence in a stream after which a comment keeps the connection open."""
        return getattr(settings, "CHATKIT_HEARTBEAT_SECONDS", 15.0)


conf = Settings()
