"""Stripe's words for how something stands, which are ours but for the newest."""

from django.db import models

from billing.exceptions import UnknownStatus


def known[Status: models.TextChoices](
    statuses: type[Status], said: str, of: str
) -> Status:
    """
    :param of: what Stripe says it of
    :raises UnknownStatus: if Stripe has a status that this release does not know
    """
    try:
        return statuses(said)
    except ValueError:
        raise UnknownStatus(said_of(of, said)) from None


def said_of(subject: str, said: str) -> str:
    """For whoever must know what nobody booked."""
    return (
        f"Stripe says that {subject} is “{said}”, which this release does not know. "
        "Nothing of it is booked. Once a release knows it, it is acted on by itself."
    )
