from datetime import date, datetime

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from invoices.mail_wording import short_day as short
from invoices.mail_wording import spoken_day as spoken

register = template.Library()


@register.simple_tag
def say(text: str, **values: object) -> SafeString:
    """A sentence of ours with the values in it, which are escaped."""
    return format_html(text, **values)


@register.filter(expects_localtime=True)
def day(moment: date | datetime) -> SafeString:
    """A day as people of the page's language write it, and as programs read it."""
    return _time(moment, spoken(moment, _language()))


@register.filter(expects_localtime=True)
def short_day(moment: date | datetime) -> SafeString:
    """The same for tables, where there is little room."""
    return _time(moment, short(moment, _language()))


def _time(moment: date | datetime, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', f"{moment:%Y-%m-%d}", text)


def _language() -> str:
    return (get_language() or "en").replace("-", "_")
