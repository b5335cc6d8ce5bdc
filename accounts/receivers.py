"""What allauth changes about a person is written down as well."""

from typing import Any

from allauth.account import signals
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa_signals
from allauth.mfa.models import Authenticator
from django.dispatch import receiver
from django.utils import timezone

from accounts.models import User
from accounts.services.events import record_event


@receiver(signals.email_confirmed)
def email_confirmed(email_address: EmailAddress, **kwargs: Any) -> None:
    _record("user.email_confirmed", email_address.user, email=email_address.email)


@receiver(signals.email_added)
def email_added(user: User, email_address: EmailAddress, **kwargs: Any) -> None:
    _record("user.email_added", user, email=email_address.email)


@receiver(signals.email_removed)
def email_removed(user: User, email_address: EmailAddress, **kwargs: Any) -> None:
    _record("user.email_removed", user, email=email_address.email)


@receiver(signals.email_changed)
def email_changed(user: User, to_email_address: EmailAddress, **kwargs: Any) -> None:
    _record("user.email_changed", user, email=to_email_address.email)


@receiver([signals.password_changed, signals.password_set, signals.password_reset])
def password_changed(user: User, **kwargs: Any) -> None:
    _record("user.password_changed", user)


@receiver([mfa_signals.authenticator_added, mfa_signals.authenticator_reset])
def factor_added(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record("user.factor_added", user, factor=authenticator.type)


@receiver(mfa_signals.authenticator_removed)
def factor_removed(user: User, authenticator: Authenticator, **kwargs: Any) -> None:
    _record("user.factor_removed", user, factor=authenticator.type)


def _record(type_: str, user: User, **data: str) -> None:
    record_event(
        type=type_,
        subject=user,
        business=None,
        actor=user,
        now=timezone.now(),
        data=data,
    )
