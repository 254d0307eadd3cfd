"""What may be asked for: every refusal that can be known before an answer begins.

The SDK checks neither owners nor states, so a request is held against the database here, before
anything is stored, run or streamed.
"""

from .access import check_access, check_own_size, check_rate, check_size
from .answers import is_pending
from .files import check_room, get_attachments
from .messages import get_offered
from .requests import CHECKS, INPUT_REQUESTS, check_request
from .speech import get_dictation

__all__ = [
    "CHECKS",
    "INPUT_REQUESTS",
    "check_access",
    "check_own_size",
    "check_rate",
    "check_request",
    "check_room",
    "check_size",
    "get_attachments",
    "get_dictation",
    "get_offered",
    "is_pending",
]
