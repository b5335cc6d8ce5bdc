from decimal import Decimal

from django import template
from django.utils.translation import get_language

from invoices.money import format_money, format_number, format_price

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


def _locale() -> str:
    return (get_language() or "en").replace("-", "_")
