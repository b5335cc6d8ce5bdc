"""What a log line looks like on a stage, and what it must not tell."""

import json
import logging
import re
from contextvars import ContextVar
from typing import Any, Final

# Lambda's id of what is being handled; "" at init and on a laptop.
request_id: ContextVar[str] = ContextVar("request_id", default="")

_SECRET_LINK: Final = re.compile(
    r"/(i|invitations|reset/key|confirm-email)/[\w:-]{20,}"
)
_encode: Final = json.JSONEncoder(default=str).encode
# What every record has; the rest was passed as `extra`.
_USUAL: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class WithoutLinks(logging.Filter):
    """Hides the secret in a link that was mailed to somebody from Django's own lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _hidden(arg) if isinstance(arg, str) else arg for arg in record.args
            )
        return True


class JsonLines(logging.Formatter):
    """
    One JSON object a line, which CloudWatch indexes, and dates; a traceback is a field.
    """

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id.get(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        line |= {
            name: value
            for name, value in vars(record).items()
            if name not in _USUAL and _is_plain(value)
        }
        return _hidden(_encode(line))


def _is_plain(value: Any) -> bool:
    # Django passes the request itself, which names its path.
    return value is None or isinstance(value, (str, int, float, dict))


def _hidden(text: str) -> str:
    return _SECRET_LINK.sub(r"/\1/…", text)
