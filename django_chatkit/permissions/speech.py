"""Who may dictate, and what a recording may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from django_chatkit.context import ChatKitContext
from django_chatkit.dictation import Dictation, read_recording
from django_chatkit.exceptions import Refused
from django_chatkit.sdk import types

if TYPE_CHECKING:
    from django_chatkit.server import DjangoChatKitServer


def get_dictation(server: DjangoChatKitServer, context: ChatKitContext) -> Dictation | None:
    """The server's dictation, if this person may use it, and if it can be used at all."""
    config = server.get_dictation(context)
    return config if config is not None and config.is_ready() else None


def check_recording(
    server: DjangoChatKitServer, params: types.InputTranscribeParams, thread: None, context: ChatKitContext
) -> None:
    config = get_dictation(server, context)
    if config is None:
        raise Refused(400, "not_supported", _("This chat cannot do that."))
    read_recording(config, params.audio_base64, params.mime_type)
