"""One function per message."""

from collections.abc import Sequence
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Invitation


def invitation_sent(invitation: Invitation) -> None:
    path = reverse("accounts:accept_invitation", args=[invitation.token])
    context = {"invitation": invitation, "link": f"{settings.SITE_URL}{path}"}
    compose("accounts/emails/invitation_sent", context, to=invitation.email).send()


def account_message(*, to: str, subject: str, text: str, html: str) -> None:
    """What allauth has rendered."""
    message = EmailMultiAlternatives(_one_line(subject), text, to=[to])
    if html:
        message.attach_alternative(html, "text/html")
    message.send()


def compose(
    template: str,
    context: dict[str, Any],
    *,
    to: str | Sequence[str],
    sender: str = "",
    reply_to: str = "",
) -> EmailMultiAlternatives:
    """
    A message in text and HTML, from the site's address.

    :param template: the name that `.subject.txt`, `.txt` and `.html` are appended to
    :param sender: the name beside the address; empty means the site's own
    """
    message = EmailMultiAlternatives(
        subject=_one_line(render_to_string(f"{template}.subject.txt", context)),
        body=render_to_string(f"{template}.txt", context),
        from_email=_sender(sender) if sender else None,
        to=[to] if isinstance(to, str) else to,
        reply_to=[reply_to] if reply_to else None,
    )
    message.attach_alternative(
        render_to_string(f"{template}.html", context), "text/html"
    )
    return message


def _sender(name: str) -> str:
    # The site's own address, or the receiver's checks of sender and domain fail.
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return str(Address(display_name=_one_line(name), addr_spec=address))


def _one_line(text: str) -> str:
    # What people type may hold line ends and worse; a header may not.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
