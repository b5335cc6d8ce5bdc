"""What every row of the books is: some business's, and seen by its people alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Self

from django.core.exceptions import ValidationError
from django.db import models

from accounts.models import Business, User
from accounts.roles import Permission

MAX_PERCENT = Decimal(100)
# Beyond these, a date is a slip of the hand, and reckoning with it leaves the calendar.
EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)


def check_date(day: date) -> None:
    """:raises ValidationError: if no document can be of that day"""
    if not EARLIEST <= day <= LATEST:
        raise ValidationError(f"Write a date between {EARLIEST} and {LATEST}.")


class OfBusinessQuerySet[M: models.Model](models.QuerySet[M]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> Self:
        """
        Rows of the businesses in which the user's role grants the permission.

        Asks for the businesses at once. Where their keys are known, an index has the
        newest rows of them; of a join, MySQL sorts all there are.
        """
        granting = Business.objects.for_user(user, permission)
        return self.filter(business__in=list(granting.values_list("pk", flat=True)))
