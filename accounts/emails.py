"""One function per message."""

from collections.abc import Sequence
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Any

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from accounts.models import Invitation, WebhookEndpoint


def invitation_sent(invitation: Invitation) -> None:
    path = reverse("accounts:accept_invitation", args=[invitation.token])
    context = {"invitation": invitation, "link": f"{settings.SITE_URL}{path}"}
    with timezone.override(invitation.business.time_zone):
        message = compose(
            "accounts/emails/invitation_sent",
            context,
            to=invitation.email,
            key=f"invitation-{invitation.public_id}",
        )
    message.send()


def webhook_turned_off(endpoint: WebhookEndpoint, *, to: str) -> None:
    path = reverse("admin:accounts_webhookendpoint_change", args=[endpoint.pk])
    context = {"endpoint": endpoint, "link": f"{settings.SITE_URL}{path}"}
    # It may be turned off again later, of which there is another mail.
    since = endpoint.failing_since
    time = f"{since:%Y%m%d%H%M%S}" if since else "on-again"
    compose(
        "accounts/emails/webhook_turned_off",
        context,
        to=to,
        key=f"webhook-turned-off-{endpoint.public_id}-{time}",
    ).send()


def account_message(*, to: str, subject: str, text: str, html: str, key: str) -> None:
    """What allauth has rendered."""
    message = EmailMultiAlternatives(_one_line(subject), text, to=[to])
    name_message(message, key)
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
    key: str = "",
) -> EmailMultiAlternatives:
    """
    A message in text and HTML, from the site's address.

    :param template: the name that `.subject.txt`, `.txt` and `.html` are appended to
    :param sender: the name beside the address; empty means the site's own
    :param key: see `name_message`; empty where nobody tries a second time
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
    if key:
        name_message(message, key)
    return message


def name_message(message: EmailMultiAlternatives, key: str) -> None:
    """
    Give a mail the Message-ID that every try of it has. Whoever is killed after the
    server took it sends it again, and most mail programs show both as one.

    :param key: what the mail is about, by letters, digits and hyphens
    """
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    message.extra_headers["Message-ID"] = f"<{key}@{address.rpartition('@')[2]}>"


def _sender(name: str) -> str:
    # The site's own address, or the receiver's checks of sender and domain fail.
    _, address = parseaddr(settings.DEFAULT_FROM_EMAIL)
    return str(Address(display_name=_one_line(name), addr_spec=address))


def _one_line(text: str) -> str:
    # What people type may hold line ends and worse; a header may not.
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
