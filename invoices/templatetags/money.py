from decimal import Decimal
from typing import Final

from django import template
from django.utils.translation import get_language

from invoices.money import format_money, format_number, format_price

_MEGA: Final = 1_000_000

register = template.Library()


@register.filter
def money(amount: int | None, currency: str) -> str:
    """Minor units as people write them; nothing where there is no amount yet."""
    return "" if amount is None else format_money(amount, currency, _locale())


@register.filter
def price(amount: Decimal, currency: str) -> str:
    """Major units with all decimals that were typed."""
    return format_price(amount, currency, _locale())


@register.filter
def number(quantity: Decimal) -> str:
    """A quantity or percentage without zeros that say nothing."""
    return format_number(quantity, _locale())


@register.filter
def size(count: int) -> str:
    """Of a file. The symbols are the same in all our languages but French."""
    byte = "o" if _locale() == "fr" else "B"
    if count < _MEGA:
        return f"{format_number(Decimal(-(-count // 1000)), _locale())}\xa0k{byte}"
    mega = (Decimal(count) / _MEGA).quantize(Decimal("0.1"))
    return f"{format_number(mega, _locale())}\xa0M{byte}"


def _locale() -> str:
    return (get_language() or "en").replace("-", "_")
