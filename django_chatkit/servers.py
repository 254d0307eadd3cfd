"""``servers["default"]``: the servers of ``CHATKIT_SERVERS``, made once each, as ``caches`` does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .conf import conf

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .server import DjangoChatKitServer


class UnknownServer(ImproperlyConfigured, KeyError):
    """No such alias in ``CHATKIT_SERVERS``."""

    __str__ = ImproperlyConfigured.__str__


class ServerHandler:
    """Maps aliases to server instances. The first access imports the SDKs, which takes a second or two."""

    def __init__(self) -> None:
        self._servers: dict[str, DjangoChatKitServer] = {}

    def __getitem__(self, alias: str) -> DjangoChatKitServer:
        """Raises UnknownServer for an alias that is not there, ImproperlyConfigured for a wrong one."""
        if alias not in self._servers:
            self._servers[alias] = self._create(alias)
        return self._servers[alias]

    def __iter__(self) -> Iterator[str]:
        return iter(conf.CHATKIT_SERVERS)

    def __contains__(self, alias: object) -> bool:
        return alias in conf.CHATKIT_SERVERS

    def all(self) -> list[DjangoChatKitServer]:
        """Every server. In ``asgi.py`` it imports the SDKs now, so that no visitor waits for that."""
        return [self[alias] for alias in self]

    def _create(self, alias: str) -> DjangoChatKitServer:
        if alias not in self:
            known = ", ".join(repr(name) for name in self) or "none"
            raise UnknownServer(f"There is no chat server {alias!r} in CHATKIT_SERVERS; known: {known}.")
        return load_server_class(alias)(alias=alias)

    def reset(self) -> None:
        self._servers = {}

    # For tests that put others in their place

    def made(self) -> dict[str, DjangoChatKitServer]:
        return dict(self._servers)

    def restore(self, made: dict[str, DjangoChatKitServer]) -> None:
        self._servers = dict(made)


def load_server_class(alias: str) -> type[DjangoChatKitServer]:
    """The class behind an alias. Raises ImproperlyConfigured with what is wrong and what would be right."""
    from .server import DjangoChatKitServer  # the SDKs are imported when a server is, not before

    path = conf.CHATKIT_SERVERS[alias]
    try:
        server_class = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(f"CHATKIT_SERVERS[{alias!r}]: cannot import {path!r}: {error}.") from error
    if not (isinstance(server_class, type) and issubclass(server_class, DjangoChatKitServer)):
        raise ImproperlyConfigured(
            f"CHATKIT_SERVERS[{alias!r}]: {path!r} is not a subclass of DjangoChatKitServer or AgentServer."
        )
    return server_class


servers = ServerHandler()


def _reset(*, setting: str, **kwargs: Any) -> None:
    if setting == "CHATKIT_SERVERS":
        servers.reset()


setting_changed.connect(_reset, dispatch_uid="django_chatkit.servers")
