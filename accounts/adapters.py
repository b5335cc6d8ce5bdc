"""Where allauth asks us: who a new user is, and how mail leaves."""

from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.utils import filter_users_by_email, setup_user_email
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.ratelimit import consume
from django.conf import settings
from django.contrib.sites.shortcuts import get_current_site
from django.forms import Form
from django.http import HttpRequest
from django.utils import timezone

from accounts import selectors
from accounts.exceptions import EmailTaken, InvalidInvitation
from accounts.http import INVITATION
from accounts.models import Invitation, User
from accounts.services import mailing, signing_up


class AccountAdapter(DefaultAccountAdapter):
    def save_user(
        self, request: HttpRequest, user: User, form: Form, commit: bool = True
    ) -> User:
        data = form.cleaned_data
        user.email = data["email"].lower()
        user.full_name = data["full_name"]
        user.set_password(data["password1"])
        invitation = self._invitation(request, user.email)
        try:
            signing_up.sign_up(
                user=user,
                now=timezone.now(),
                business_name=data["business_name"],
                invitation=invitation,
            )
        except EmailTaken as taken:
            # A second click on the button. The answer is the first click's.
            answer = self.respond_email_verification_sent(request, None)
            raise ImmediateHttpResponse(answer) from taken
        except InvalidInvitation:
            # Withdrawn or used at this very moment: from here on it was before.
            user.pk = None
            return self.save_user(request, user, form, commit)
        if invitation is not None:
            # Whoever has the token read the mail that was sent to the address.
            self.stash_verified_email(request, user.email)
            del request.session[INVITATION]
        return user

    def _invitation(self, request: HttpRequest, email: str) -> Invitation | None:
        token = request.session.get(INVITATION, "")
        try:
            invitation = selectors.open_invitation(token, timezone.now())
        except InvalidInvitation:
            return None
        return invitation if invitation.email == email else None

    def register(self, request: HttpRequest, user: User, business_name: str) -> None:
        """
        Sign somebody up over the API. The mail says the rest, and nothing else does:
        whether the address has an account is nobody's business but its owner's.

        :raises InvalidInput: if the user name is taken
        """
        is_new = self._is_new(user, business_name)
        if is_new:
            setup_user_email(request, user, [])
        # The counter that allauth's own pages use: an address gets one mail a while.
        if not consume(request, action="confirm_email", key=user.email):
            return
        if is_new:
            address = EmailAddress.objects.get_primary(user)
            address.send_confirmation(request, signup=True)
        else:
            self.send_account_already_exists_mail(user.email)

    def _is_new(self, user: User, business_name: str) -> bool:
        """Whether the user was signed up; an address that has an account is not."""
        if filter_users_by_email(user.email):
            return False
        try:
            signing_up.sign_up(
                user=user, now=timezone.now(), business_name=business_name
            )
        except EmailTaken:
            return False
        return True

    def send_mail(
        self, template_prefix: str, email: str, context: dict[str, Any]
    ) -> None:
        message = self.render_mail(
            template_prefix,
            email,
            {
                "request": self.request,
                "email": email,
                "current_site": get_current_site(self.request),
                **{name: _on_site(name, value) for name, value in context.items()},
            },
        )
        html = [part.content for part in getattr(message, "alternatives", [])]
        mailing.mail_later(
            to=email,
            subject=message.subject,
            text=message.body,
            html=html[0] if html else "",
        )


def _on_site(name: str, value: Any) -> Any:
    """Links begin with the site's own address, not with whatever host was asked."""
    if not name.endswith("_url"):
        return value
    site = urlsplit(settings.SITE_URL)
    return urlsplit(value)._replace(scheme=site.scheme, netloc=site.netloc).geturl()
