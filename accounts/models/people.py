"""Who signs in, and their keys to the API."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import ClassVar

from django.contrib.auth.models import (
    AbstractBaseUser,
    BaseUserManager,
    PermissionsMixin,
)
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from accounts.fields import ExactCharField, LowercaseCharField, LowercaseEmailField


class UserManager(BaseUserManager["User"]):
    def create_user(
        self, email: str, password: str | None = None, **fields: object
    ) -> User:
        user = self.model(email=email, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(
        self, email: str, password: str | None = None, **fields: object
    ) -> User:
        return self.create_user(
            email, password, is_staff=True, is_superuser=True, **fields
        )

    def listed(self) -> models.QuerySet[User]:
        """Whom other people may find: those who proved that their address is theirs."""
        return self.filter(
            is_active=True, emailaddress__primary=True, emailaddress__verified=True
        )


def check_not_reserved(username: str) -> None:
    """:raises ValidationError: if an address of the API already means something else"""
    if username.lower() == "me":
        raise ValidationError(f"“{username}” is taken; choose another name.")


class User(AbstractBaseUser, PermissionsMixin):
    """A person who signs in by e-mail: member of a business, author, commenter."""

    class Gender(models.TextChoices):
        FEMALE = "female", "Female"
        MALE = "male", "Male"
        OTHER = "other", "Other"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    email = LowercaseEmailField(max_length=254, unique=True)
    username = LowercaseCharField(
        max_length=50,
        unique=True,
        validators=[
            RegexValidator(
                r"^[\w.-]+\Z", "Use letters, digits, dots, hyphens and underscores."
            ),
            check_not_reserved,
        ],
        help_text="The name in public addresses, such as an author's page.",
    )
    full_name = models.CharField(max_length=150)
    gender = models.CharField(max_length=10, choices=Gender, blank=True)
    is_staff = models.BooleanField(
        default=False, help_text="May enter the back office without a membership."
    )
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["username", "full_name"]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        return self.full_name

    def get_short_name(self) -> str:
        return self.full_name.partition(" ")[0] or self.username


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    def live(self, now: datetime) -> ApiTokenQuerySet:
        return self.filter(expiry__gt=now)


ApiTokenManager = models.Manager.from_queryset(ApiTokenQuerySet)


class ApiToken(models.Model):
    """
    A key to the API in one person's name. Its hash is stored; the key is shown once.

    `knox.auth` reads it: `token_key`, `digest`, `user`, `expiry` are its names for what
    a token begins with, the hash, whose it is and until when it holds.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    user = models.ForeignKey(
        User, on_delete=models.CASCADE, related_name="auth_token_set"
    )
    name = models.CharField(max_length=100, help_text="What it is for.")
    token_key = ExactCharField(max_length=25, db_index=True, editable=False)
    digest = ExactCharField(max_length=128, unique=True, editable=False)
    created = models.DateTimeField(auto_now_add=True)
    expiry = models.DateTimeField()

    objects = ApiTokenManager()

    def __str__(self) -> str:
        return f"{self.token_key}… {self.name}"
