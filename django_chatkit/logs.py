"""What goes into the log when something fails: ids and places, not what people wrote."""

import logging
import traceback

from django.conf import settings

logger = logging.getLogger("django_chatkit")


def log_failure(what: str, thread_id: str, error: BaseException) -> None:
    """Log type and place of an error; its text, which may quote people or keys, only under DEBUG."""
    logger.error(
        "%s (thread %s): %s\n%s",
        what,
        thread_id,
        type(error).__name__,
        place_of(error),
        exc_info=error if settings.DEBUG else None,
    )


def place_of(error: BaseException) -> str:
    return "".join(traceback.format_list(traceback.extract_tb(error.__traceback__)[-8:]))


class WithoutTexts(logging.Filter):
    """For the SDK's logger, which writes texts down, too, and refusals as if they were failures."""

    def __init__(self, *refusals: type[Exception]) -> None:
        super().__init__()
        self.refusals = refusals

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        if error is None or settings.DEBUG:
            return True
        record.msg, record.args = "The SDK failed: %s\n%s", (type(error).__name__, place_of(error))
        record.exc_info = record.exc_text = None
        return not isinstance(error, self.refusals)
