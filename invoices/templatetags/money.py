from decimal import Decimal

from django import template
from django.utils.translation import get_language

from invoices.money import exponent, format_money

register = template.Library()


@register.filter
def money(amount: int | None, currency: str) -> str:
    """Minor units as people write them; nothing where there is no amount yet."""
    if amount is None:
        return ""
    return format_money(amount, currency, (get_language() or "en").replace("-", "_"))


@register.filter
def number(value: Decimal) -> str:
    """A quantity or a percentage, without the zeros its column adds."""
    return f"{value.normalize():,f}"


@register.filter
def price(value: Decimal, currency: str) -> str:
    """A price of up to six decimals, with no fewer than its currency has."""
    typed = -int(value.normalize().as_tuple().exponent)
    return f"{value:,.{max(typed, exponent(currency))}f}"
