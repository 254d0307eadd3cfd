"""Where the bytes of files lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.core.files.storage import FileSystemStorage, storages
from django.utils.functional import LazyObject, empty

if TYPE_CHECKING:
    from django.core.files.storage import Storage

STORAGE_ALIAS = "chatkit"


def get_storage() -> Storage:
    """Where the bytes lie: the ``"chatkit"`` of ``STORAGES``, or else its ``"default"``."""
    return attachment_storage  # type: ignore[return-value]


class AttachmentStorage(LazyObject):  # type: ignore[type-arg]
    """Asks for the storage when it is first used, as Django's ``default_storage`` does."""

    def _setup(self) -> None:
        self._wrapped = storages[STORAGE_ALIAS if STORAGE_ALIAS in storages.backends else "default"]

    def reset(self) -> None:
        self._wrapped = empty  # type: ignore[assignment]


attachment_storage = AttachmentStorage()


def has_place_for_files() -> bool:
    """Is there one, other than the working directory?"""
    chosen = settings.MEDIA_ROOT or STORAGE_ALIAS in settings.STORAGES
    return bool(chosen) or not isinstance(attachment_storage, FileSystemStorage)
