"""Businesses, their members, and whom they have invited."""

from __future__ import annotations

import uuid
import zoneinfo
from datetime import date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from accounts.fields import ExactCharField, LowercaseEmailField
from accounts.languages import LANGUAGES
from accounts.models.people import User
from accounts.money import EXPONENTS
from accounts.roles import Permission, Role, roles_with


def check_time_zone(name: str) -> None:
    """:raises ValidationError: if the IANA database has no such zone"""
    try:
        zoneinfo.ZoneInfo(name)
    # `Europe` is a folder, and a long name none that a file could have.
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValidationError(
            f"“{name}” is no time zone; write one such as Europe/Berlin."
        ) from error


def check_currency(code: str) -> None:
    """:raises ValidationError: if ISO 4217 has no such currency in use"""
    if code not in EXPONENTS:
        raise ValidationError(
            f"“{code}” is no currency; write its ISO 4217 code, such as EUR.",
            code="unknown_currency",
        )


class TaxRounding(models.TextChoices):
    """Where tax is rounded to the minor unit."""

    TOTAL = "total", "Once per rate, on the summed net (EN 16931)"
    LINE = "line", "On every line"


class BusinessQuerySet(models.QuerySet["Business"]):
    def for_user(
        self, user: User, permission: Permission = Permission.VIEW_BOOKS
    ) -> BusinessQuerySet:
        """Those in which the user holds a role that grants the permission."""
        granted = self._with_member(user, roles_with(permission))
        if permission == Permission.WRITE_POSTS:
            # Anyone may sign up and own a business. The blog is the site's.
            return granted.filter(publishes=True)
        return granted

    def joined_by(self, user: User) -> BusinessQuerySet:
        """Those the user is a member of, whatever the role."""
        return self._with_member(user, list(Role))

    def _with_member(self, user: User, roles: list[Role]) -> BusinessQuerySet:
        memberships = Membership.objects.filter(user=user, role__in=roles)
        return self.filter(pk__in=memberships.values("business"))


BusinessManager = models.Manager.from_queryset(BusinessQuerySet)


class Business(models.Model):
    """Who issues invoices: the name, address and rules that its documents carry."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    name = models.CharField(max_length=150)
    email = models.EmailField(help_text="Where answers to its mail go.")
    address = models.TextField(
        blank=True, max_length=500, help_text="Street, postal code and city."
    )
    country = models.CharField(
        max_length=2,
        blank=True,
        validators=[RegexValidator(r"^[A-Z]{2}\Z", "Use the two letters of ISO 3166.")],
        help_text="Two letters, ISO 3166.",
    )
    tax_id = models.CharField("tax id", max_length=50, blank=True)
    time_zone = models.CharField(
        max_length=50,
        default="UTC",
        validators=[check_time_zone],
        help_text="Decides what day it is.",
    )
    currency = models.CharField(
        max_length=3,
        default="EUR",
        validators=[check_currency],
        help_text="For new invoices, ISO 4217.",
    )
    payment_terms_days = models.PositiveSmallIntegerField(
        default=14,
        validators=[MaxValueValidator(365)],
        help_text="Days from issue to due.",
    )
    tax_rounding = models.CharField(
        max_length=10, choices=TaxRounding, default=TaxRounding.TOTAL
    )
    language = models.CharField(
        max_length=10,
        choices=LANGUAGES,
        default="en",
        help_text="Of documents and mail to customers who have none of their own.",
    )
    iban = models.CharField(
        "IBAN", max_length=34, blank=True, help_text="Where transfers go."
    )
    bic = models.CharField("BIC", max_length=11, blank=True)
    footer = models.TextField(
        blank=True, max_length=500, help_text="At the foot of every invoice."
    )
    logo = models.ImageField(upload_to="logos/", blank=True)
    publishes = models.BooleanField(
        default=False, help_text="Its owners and authors write the blog of this site."
    )
    members = models.ManyToManyField(User, through="Membership")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = BusinessManager()

    class Meta:
        verbose_name_plural = "businesses"

    def __str__(self) -> str:
        return self.name

    def today(self, now: datetime) -> date:
        """The calendar day in the business's time zone."""
        return now.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date()


class MembershipQuerySet(models.QuerySet["Membership"]):
    def for_user(self, user: User) -> MembershipQuerySet:
        """Those in the user's businesses, their own among them."""
        return self.filter(business__in=Business.objects.joined_by(user))

    def owners(self) -> MembershipQuerySet:
        """Owners who can still sign in."""
        return self.filter(role=Role.OWNER, user__is_active=True)


MembershipManager = models.Manager.from_queryset(MembershipQuerySet)


class Membership(models.Model):
    """A user's role in a business."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.CASCADE, related_name="memberships"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = MembershipManager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["business", "user"], name="membership_once_per_business"
            ),
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.user_id} of {self.business_id}"


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def for_user(
        self, user: User, permission: Permission = Permission.MANAGE_BUSINESS
    ) -> InvitationQuerySet:
        return self.filter(business__in=Business.objects.for_user(user, permission))

    def open(self, now: datetime) -> InvitationQuerySet:
        return self.filter(accepted_at=None, expires_at__gt=now)


InvitationManager = models.Manager.from_queryset(InvitationQuerySet)


class Invitation(models.Model):
    """An offer to join a business, mailed to one address. Only that mail has the token."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    business = models.ForeignKey(
        Business, on_delete=models.CASCADE, related_name="invitations"
    )
    email = LowercaseEmailField(max_length=254)
    role = models.CharField(max_length=20, choices=Role)
    token = ExactCharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    objects = InvitationManager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=Role.values), name="invitation_role_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} as {self.role}"

    def is_open(self, now: datetime) -> bool:
        return self.accepted_at is None and now < self.expires_at
