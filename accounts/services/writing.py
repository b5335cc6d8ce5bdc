"""Setting the fields of a row that a caller may set."""

from collections.abc import Mapping
from typing import Any, Protocol

from django.core.exceptions import ValidationError
from django.db.models import Model

from accounts import tax_ids


class TaxPayer(Protocol):
    country: str
    tax_id: str


def set_fields(row: Model, fields: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """:raises TypeError: if one is not allowed: a mistake of the code's, not a person's"""
    if unknown := set(fields) - allowed:
        names = ", ".join(sorted(unknown))
        raise TypeError(f"not for a caller to set on {row._meta.verbose_name}: {names}")
    for name, value in fields.items():
        setattr(row, name, value)


def keep_tax_id(row: TaxPayer, before: tuple[str, str]) -> None:
    """
    Keep a tax id as `tax_ids.compact` writes it. One that nobody changed stays as it was:
    it may be older than this rule.

    :param before: the tax id and the country that the row had
    :raises ValidationError: naming the field, if the country could not have given it out
    """
    if (row.tax_id, row.country) == before:
        return
    try:
        row.tax_id = tax_ids.compact(row.tax_id, row.country)
    except ValidationError as error:
        raise ValidationError({"tax_id": error.messages}) from error
