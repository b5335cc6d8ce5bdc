"""Where transfers go: whether an IBAN or a BIC could be one, and how it is kept."""

from django.core.exceptions import ValidationError


def compact_iban(typed: str) -> str:
    """
    An IBAN in capitals and without spaces (ISO 13616, and its registry of countries).

    :raises ValidationError: with what is wrong and how to mend it
    """
    # A page that shows one should not pay for checking it.
    from stdnum import iban  # noqa: PLC0415 - as said above

    if not (number := iban.compact(typed)):
        return ""
    try:
        # Other digits count for it as well, and no bank reads them. Countries' own sums
        # are left to their banks.
        number.encode("ascii")
        return iban.validate(number, check_country=False)
    except ValueError:
        raise ValidationError(
            f"“{typed}” is no IBAN: a character is wrong, missing or too much. Copy it "
            "anew from the bank's statement, such as DE89 3704 0044 0532 0130 00."
        ) from None


def compact_bic(typed: str) -> str:
    """
    A BIC in capitals and without spaces (ISO 9362).

    :raises ValidationError: with what is wrong and how to mend it
    """
    from stdnum import bic  # noqa: PLC0415 - as above

    if not bic.compact(typed):
        return ""
    try:
        return bic.validate(typed)
    except ValueError:
        raise ValidationError(
            f"“{typed}” is no BIC: it has 8 or 11 letters and digits, such as "
            "COBADEFFXXX. Leave it empty if you do not know it."
        ) from None
