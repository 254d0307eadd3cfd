"""The addresses that the browser talks to. A refusal is JSON with a ``message``, never HTML or a redirect."""

from .endpoint import api
from .files import attachment, upload
from .mentions import entities, entity
from .tokens import CSRFCheck, csrf

__all__ = ["CSRFCheck", "api", "attachment", "csrf", "entities", "entity", "upload"]
