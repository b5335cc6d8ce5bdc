"""Making and changing businesses."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import PurePath
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files import File
from django.db import transaction
from django.db.models.fields.files import FieldFile

from accounts.bank_accounts import compact_bic, compact_iban
from accounts.models import Business, Membership, User
from accounts.roles import Role
from accounts.services.events import record_event
from accounts.services.writing import keep_tax_id, set_fields

# What an owner may set.
FIELDS: Final = frozenset(
    {
        "name",
        "email",
        "address",
        "country",
        "tax_id",
        "time_zone",
        "currency",
        "payment_terms_days",
        "tax_rounding",
        "language",
        "iban",
        "bic",
        "footer",
        "logo",
    }
)


@transaction.atomic
def create_business(
    *, owner: User, now: datetime, fields: Mapping[str, Any]
) -> Business:
    """
    Make a business and its first owner. The first business of a site writes its blog.

    :param fields: any of `FIELDS` but the logo; the e-mail defaults to the owner's
    :raises ValidationError: naming each field that is wrong
    """
    business = Business(email=owner.email, publishes=not Business.objects.exists())
    _set(business, fields)
    business.save()
    Membership.objects.create(business=business, user=owner, role=Role.OWNER)
    record_event(
        type="business.created",
        subject=business,
        business=business,
        actor=owner,
        now=now,
    )
    return business


def update_business(
    *,
    business: Business,
    actor: User | None,
    now: datetime,
    fields: Mapping[str, Any],
) -> Business:
    """
    Change some of a business's fields. What is finalized keeps its own copy.

    A new logo is stored before the transaction opens: storage may be a network.

    :param fields: any of `FIELDS`; `logo` is a checked upload, or false to remove it
    :raises ValidationError: naming each field that is wrong
    """
    values = dict(fields)
    # What the row has already is no upload.
    if isinstance(values.get("logo"), FieldFile):
        del values["logo"]
    if "logo" not in values:
        return _update(business=business, actor=actor, now=now, fields=values)
    with _stored(business, values["logo"]) as values["logo"]:
        return _update(business=business, actor=actor, now=now, fields=values)


@transaction.atomic
def _update(
    *,
    business: Business,
    actor: User | None,
    now: datetime,
    fields: Mapping[str, Any],
) -> Business:
    business = Business.objects.select_for_update().get(pk=business.pk)
    before = {name: getattr(business, name) for name in fields}
    old_logo = business.logo.name
    _set(business, fields)
    changed = [name for name in fields if getattr(business, name) != before[name]]
    if not changed:
        return business
    business.save(update_fields=[*changed, "updated_at"])
    if old_logo and "logo" in changed:
        delete = partial(business.logo.storage.delete, old_logo)
        transaction.on_commit(delete, robust=True)
    record_event(
        type="business.updated",
        subject=business,
        business=business,
        actor=actor,
        now=now,
        data={"fields": sorted(changed)},
    )
    return business


def _set(business: Business, fields: Mapping[str, Any]) -> None:
    before = business.tax_id, business.country
    set_fields(business, fields, FIELDS)
    business.full_clean()
    keep_tax_id(business, before)
    _keep_account(business, fields)


def _keep_account(business: Business, fields: Mapping[str, Any]) -> None:
    for name, compact in (("iban", compact_iban), ("bic", compact_bic)):
        if name not in fields:
            continue
        try:
            setattr(business, name, compact(getattr(business, name)))
        except ValidationError as error:
            raise ValidationError({name: error.messages}) from error


@contextmanager
def _stored(business: Business, logo: File[bytes] | None) -> Iterator[str]:
    """
    The name under which storage has it; empty where there is none. It is gone again if no
    row has it at the end.
    """
    if not logo:
        yield ""
        return
    ending = PurePath(str(logo.name)).suffix.lower()
    name = f"logos/{business.public_id}/{uuid.uuid4().hex}{ending}"
    storage = business.logo.storage
    name = storage.save(name, logo)
    try:
        yield name
    finally:
        if not Business.objects.filter(pk=business.pk, logo=name).exists():
            storage.delete(name)
