"""Telling every environment that what it has kept of the public pages is old."""

import uuid

from accounts.models import Edition


def begin_edition() -> None:
    """
    Say that what everybody may read has changed. Nothing kept from before is given again.

    Call it inside the transaction that changes it, and last: whoever else changes
    something waits from here on until the transaction ends.
    """
    # A mark made by chance: a count might come back with a restored database.
    Edition.objects.filter(pk=Edition.ONLY).update(mark=uuid.uuid4())
