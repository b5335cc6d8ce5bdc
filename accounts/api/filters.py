"""Which rows of a list."""

from datetime import UTC, datetime
from typing import Final

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Q, QuerySet
from django_filters import rest_framework as filters

from accounts.models import User
from accounts.roles import Role

# Beyond these, a moment may have no counterpart in UTC.
EARLIEST: Final = datetime(2000, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2100, 1, 1, tzinfo=UTC)


class UserFilter(filters.FilterSet):
    search = filters.CharFilter(method="named", label="Part of a name.")

    def named(self, users: QuerySet[User], name: str, value: str) -> QuerySet[User]:
        return users.filter(
            Q(username__icontains=value) | Q(full_name__icontains=value)
        )


class MembershipFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    role = filters.ChoiceFilter(choices=Role.choices)


class InvitationFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    accepted = filters.BooleanFilter(
        "accepted_at", "isnull", exclude=True, label="Whether somebody came by it."
    )


class EventFilter(filters.FilterSet):
    business = filters.UUIDFilter("business__public_id", label="A business's id.")
    type = filters.CharFilter(help_text="As in `invoice.finalized`.")
    subject_type = filters.CharFilter(help_text="As in `invoice`.")
    subject_id = filters.CharFilter(label="The id of what it happened to.")
    since = filters.IsoDateTimeFilter(
        field_name="occurred_at",
        lookup_expr="gte",
        label="ISO 8601, with its offset from UTC.",
        validators=[MinValueValidator(EARLIEST), MaxValueValidator(LATEST)],
    )
