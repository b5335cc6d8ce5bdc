"""What a log must not tell."""

import logging
import re
from typing import Final

_SECRET_LINK: Final = re.compile(r"/(i|invitations)/[\w-]{20,}")


class WithoutLinks(logging.Filter):
    """Hides the secret in a customer's or an invitation's link from Django's own lines."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SECRET_LINK.sub(r"/\1/…", arg) if isinstance(arg, str) else arg
                for arg in record.args
            )
        return True
