"""Threads, their items and their files, as they lie in the database."""

from .attachment import Attachment, AttachmentQuerySet, storage_path
from .confirmation import Confirmation, ConfirmationQuerySet
from .feedback import Feedback, FeedbackManager
from .owned import Owned, OwnedQuerySet, owned_by
from .storage import STORAGE_ALIAS, attachment_storage, get_storage, has_place_for_files
from .thread import ASIDE, POSTED, Thread, ThreadItem, ThreadItemQuerySet, ThreadQuerySet, is_aside

__all__ = [
    "ASIDE",
    "POSTED",
    "STORAGE_ALIAS",
    "Attachment",
    "AttachmentQuerySet",
    "Confirmation",
    "ConfirmationQuerySet",
    "Feedback",
    "FeedbackManager",
    "Owned",
    "OwnedQuerySet",
    "Thread",
    "ThreadItem",
    "ThreadItemQuerySet",
    "ThreadQuerySet",
    "attachment_storage",
    "get_storage",
    "has_place_for_files",
    "is_aside",
    "owned_by",
    "storage_path",
]
