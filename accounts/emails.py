"""One function per message."""

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Invitation


def invitation_sent(invitation: Invitation) -> None:
    path = reverse("accounts:accept_invitation", args=[invitation.token])
    context = {"invitation": invitation, "link": f"{settings.SITE_URL}{path}"}
    name = "accounts/emails/invitation_sent"
    account_message(
        to=invitation.email,
        subject=render_to_string(f"{name}.subject.txt", context),
        text=render_to_string(f"{name}.txt", context),
        html=render_to_string(f"{name}.html", context),
    )


def account_message(*, to: str, subject: str, text: str, html: str) -> None:
    # A subject is one line, whatever a business or a template calls itself.
    message = EmailMultiAlternatives(" ".join(subject.split()), text, to=[to])
    if html:
        message.attach_alternative(html, "text/html")
    message.send()
