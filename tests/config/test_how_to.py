"""What the how-to tells people to write works."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from django.conf import settings

from accounts.services.attempts import signature

PAGE = Path(settings.BASE_DIR) / "docs" / "how-to" / "receive-webhooks.md"
NOW = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)
BODY = '{"name": "Müller"}'.encode()


@pytest.fixture
def is_ours():
    [code] = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names = {}
    exec(code, names)  # noqa: S102 - our own page
    return names["is_ours"]


def test_the_receiver_of_the_how_to_knows_what_is_ours(is_ours):
    header = signature(BODY, ["new", "old"], NOW)

    with time_machine.travel(NOW, tick=False):
        assert is_ours(BODY, header, "new")
        assert is_ours(BODY, header, "old")
        assert not is_ours(BODY, header, "other")
        assert not is_ours(BODY + b" ", header, "new")
        assert not is_ours(BODY, header.replace("v1=", "v0="), "new")
    with time_machine.travel(NOW + timedelta(minutes=5), tick=False):
        assert not is_ours(BODY, header, "new")
