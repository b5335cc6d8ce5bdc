from django import template
from django.utils.translation import get_language

from accounts import tax_ids

register = template.Library()


@register.filter
def country(code: str) -> str:
    """The name of a country by its two letters; the letters if nobody knows them."""
    # Loaded by those who show addresses: most pages show none.
    from babel import Locale  # noqa: PLC0415 - as said above

    locale = Locale.parse((get_language() or "en").replace("-", "_"))
    return str(locale.territories.get(code, code))


@register.filter
def tax_id(kept: str, code: str) -> str:
    """A tax id as people in the country write it."""
    return tax_ids.shown(kept, code)
