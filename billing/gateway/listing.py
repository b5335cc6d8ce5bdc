"""Going through all that there is of a kind, newest first."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from math import ceil, floor
from typing import Any, Final

from billing.gateway.client import calling

# As many as Stripe gives at once.
PAGE: Final = 100


def listed(
    ask: Callable[[Any], Any], since: datetime, until: datetime, **filters: Any
) -> Iterator[Mapping[str, Any]]:
    """
    What was made from `since` on and before `until`, which count as whole seconds. A page
    is asked for when the one before is used up.

    :param ask: the SDK's method that lists
    :raises PaymentPending: if Stripe cannot be asked
    """
    window = {"gte": floor(since.timestamp()), "lt": ceil(until.timestamp())}
    with calling():
        answers = ask({"created": window, "limit": PAGE, **filters})
        for answer in answers.auto_paging_iter():
            yield answer.to_dict()
