"""How one document speaks: its language, its currency, its paper."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from babel import Locale
from babel.dates import format_date
from reportlab.lib.pagesizes import A4, LETTER

from invoices import wording
from invoices.models.customers import Paper
from invoices.money import format_money, format_number, format_price
from invoices.pdf.looks import MARGIN

# Where paper is cut by inches (CLDR, paperSize).
LETTER_COUNTRIES: Final = frozenset(
    ["BZ", "CA", "CL", "CO", "CR", "GT", "MX", "NI", "PA", "PH", "PR", "SV", "US", "VE"]
)


@dataclass(frozen=True, slots=True)
class Speech:
    language: str
    currency: str
    size: tuple[float, float] = A4

    @property
    def width(self) -> float:
        """What is between the margins."""
        return self.size[0] - 2 * MARGIN

    def say(self, key: str, **values: str) -> str:
        return wording.say(self.language, key, **values)

    def money(self, amount: int | None) -> str:
        return format_money(amount or 0, self.currency, self.language)

    def price(self, price: Decimal) -> str:
        return format_price(price, self.currency, self.language)

    def number(self, number: Decimal) -> str:
        return format_number(number, self.language)

    def percent(self, percent: Decimal) -> str:
        return f"{self.number(percent)} %"

    def day(self, day: date | None) -> str:
        # American English puts the month first, which the rest of the world misreads.
        pattern = "d MMMM y" if self.language == "en" else "long"
        return str(format_date(day, pattern, self.language))

    def short_day(self, day: date) -> str:
        pattern = "d MMM y" if self.language == "en" else "medium"
        return str(format_date(day, pattern, self.language))

    def country(self, code: str) -> str:
        return str(Locale.parse(self.language).territories.get(code, code))


def speech(language: str, currency: str, paper: str, *countries: str) -> Speech:
    """
    :param paper: left empty, what is usual in the first of the countries that is known
    """
    known = language if language in wording.WORDS else wording.FALLBACK
    country = next(filter(None, countries), "")
    usual = Paper.LETTER if country in LETTER_COUNTRIES else Paper.A4
    size = LETTER if (paper or usual) == Paper.LETTER else A4
    return Speech(known, currency, size)


def speech_of(
    language: str, currency: str, seller: Mapping[str, str], buyer: Mapping[str, str]
) -> Speech:
    """That of a frozen document, by the details it keeps."""
    countries = (buyer["country"], seller["country"])
    return speech(language, currency, buyer.get("paper", ""), *countries)
