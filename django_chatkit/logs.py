"""What goes into the log when something fails: ids and places, not what people wrote."""

import logging
import traceback

from django.conf import settings

logger = logging.getLogger("django_chatkit")


def log_failure(what: str, thread_id: str, error: BaseException) -> None:
    """Log type and place of an error; its text, which may quote people or keys, only under DEBUG."""
    place = "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)[-8:]))
    logger.error(
        "%s (thread %s): %s\n%s",
        what,
        thread_id,
        type(error).__name__,
        place,
        exc_info=error if settings.DEBUG else None,
    )
