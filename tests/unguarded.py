"""Doing to the books what the database refuses."""

from contextlib import AbstractContextManager

from django.db import connection

from invoices import guards


def unguarded() -> AbstractContextManager[None]:
    """Frozen rows change within, as by a person who took the guards down."""
    return guards.lifted(connection, "a test")
