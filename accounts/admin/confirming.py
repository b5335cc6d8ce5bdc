"""What a button asks before it does anything is done once, and as it was said."""

import hashlib
import json
from collections.abc import Callable
from typing import Final

from django.http import HttpRequest
from django.utils import timezone

from accounts.exceptions import Refusal
from accounts.http import person
from accounts.services import repeating

# The hidden fields by which a page knows that its button was clicked before, and what it
# said then.
KEY: Final = "once"
SAID: Final = "said"
SENT_BEFORE: Final = (
    "You sent this page before, with something else in it, and that was done. Look at it "
    "first; sent again, this is done as well."
)
_CHANGED: Final = (
    "Nothing was done: something changed since you opened the page, which said what is "
    "no longer so. Look at it first, and ask again."
)


def mark(title: str, consequence: str) -> str:
    """By which one knows that a page said just this."""
    return hashlib.sha256(f"{title}\n{consequence}".encode()).hexdigest()


def once(
    request: HttpRequest, key: str, says: str, act: Callable[[], tuple[str, str]]
) -> tuple[str, str]:
    """
    What was done, and where to go: told again to whoever clicked twice.

    :param says: the `mark` of what the page would say now
    :raises Refusal: if what the person was shown said something else
    """
    typed = {
        name: values
        for name, values in request.POST.lists()
        if name not in {KEY, SAID, "csrfmiddlewaretoken"}
    }
    told: list[tuple[str, str]] = []

    def work() -> bytes:
        if request.POST.get(SAID, says) != says:
            raise Refusal(_CHANGED)
        told.append(act())
        return json.dumps(told[0]).encode()

    kept = repeating.do_once(
        caller=f"desk:{person(request).public_id}",
        key=key,
        wish=json.dumps([request.path, typed], sort_keys=True).encode(),
        now=timezone.now(),
        work=work,
    )
    sentence, address = told[0] if kept is None else json.loads(kept)
    return sentence, address
