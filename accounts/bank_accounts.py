"""Where transfers go: whether an IBAN or a BIC could be one, and how it is kept."""

import re
from typing import Final

from django.core.exceptions import ValidationError

# ISO 13616 and ISO 9362.
_IBAN: Final = re.compile(r"[A-Z]{2}\d{2}[A-Z0-9]{11,30}", re.ASCII)
_BIC: Final = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?", re.ASCII)


def compact_iban(typed: str) -> str:
    """
    An IBAN in capitals and without spaces.

    :raises ValidationError: with what is wrong and how to mend it
    """
    text = "".join(typed.split()).upper()
    if text and not (_IBAN.fullmatch(text) and _remainder(text) == 1):
        raise ValidationError(
            f"“{typed}” is no IBAN: a character is wrong, missing or too much. Copy it "
            "anew from the bank's statement, such as DE89 3704 0044 0532 0130 00."
        )
    return text


def compact_bic(typed: str) -> str:
    """
    A BIC in capitals and without spaces.

    :raises ValidationError: with what is wrong and how to mend it
    """
    text = "".join(typed.split()).upper()
    if text and not _BIC.fullmatch(text):
        raise ValidationError(
            f"“{typed}” is no BIC: it has 8 or 11 letters and digits, such as "
            "COBADEFFXXX. Leave it empty if you do not know it."
        )
    return text


def _remainder(iban: str) -> int:
    """Of all its characters as digits, those in front put last (ISO 7064, MOD 97-10)."""
    digits = "".join(str(int(char, 36)) for char in iban[4:] + iban[:4])
    return int(digits) % 97
