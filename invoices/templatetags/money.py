from django import template
from django.utils.translation import get_language

from invoices.money import format_money

register = template.Library()


@register.filter
def money(amount: int | None, currency: str) -> str:
    """Minor units as people write them; nothing where there is no amount yet."""
    if amount is None:
        return ""
    return format_money(amount, currency, (get_language() or "en").replace("-", "_"))
