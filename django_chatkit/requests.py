"""ChatKit's requests, from JSON to the SDK's types, and what a page's answer must be worth."""

from __future__ import annotations

import json
from typing import Any

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_json

from .sdk import types

# The SDK builds this adapter anew for each request, which costs more than all the rest.
REQUEST: TypeAdapter[types.ChatKitReq] = TypeAdapter(types.ChatKitReq)

ANSWERS = (types.ThreadsAddClientToolOutputReq, types.ThreadsAddStructuredInputReq)

NO_RESULT = {"error": "The page gave no result."}
TOO_LARGE = {"error": "The page's result was too large."}


def read_request(body: str | bytes | bytearray) -> types.ChatKitReq:
    """Raises pydantic's ValidationError for what is not a ChatKit request."""
    try:
        return REQUEST.validate_json(body)
    except ValidationError as error:
        if not lacks_result(error):
            raise
    # A function of the page gave undefined, which JSON leaves out.
    request = json.loads(body)
    request["params"]["result"] = None
    return REQUEST.validate_python(request)


def lacks_result(error: ValidationError) -> bool:
    """Is this the output of a client tool, with nothing wrong but that there is none?"""
    if error.error_count() != 1:
        return False
    [problem] = error.errors(include_input=False, include_url=False)
    where = ("threads.add_client_tool_output", "params", "result")
    return problem["type"] == "missing" and problem["loc"] == where


def usable_result(result: Any, max_length: int) -> Any:
    """A client tool's result, or an error in its place that the model can read."""
    if result is None:
        return NO_RESULT
    return result if len(to_json(result)) <= max_length else TOO_LARGE


def attachments_of(request: types.StreamingReq) -> list[str]:
    """The attachments of the message in a request, if there is one in it."""
    message = getattr(request.params, "input", None)
    return message.attachments if isinstance(message, types.UserMessageInput) else []
