"""Pages about oneself, one's businesses and their members."""

from http import HTTPStatus
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.forms import BaseForm
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import selectors
from accounts.exceptions import InvalidInvitation, Refusal
from accounts.forms import (
    BusinessForm,
    CloseAccountForm,
    InvitationForm,
    ProfileForm,
    RoleForm,
    TokenForm,
)
from accounts.http import INVITATION, AuthenticatedRequest, own_zone
from accounts.models import ApiToken, Business, Invitation, Membership, User
from accounts.roles import Permission, Role
from accounts.services import businesses, profile
from accounts.services import members as membership_services
from accounts.services import tokens as token_services

show_or_send = require_http_methods(["GET", "HEAD", "POST"])


@show_or_send
def home(request: AuthenticatedRequest) -> HttpResponse:
    # A form of its own copy: an invalid name must not show in the head of the page.
    form = ProfileForm(
        request.POST or None, instance=User.objects.get(pk=request.user.pk)
    )
    if form.is_valid():
        try:
            profile.update_profile(
                user=request.user, now=timezone.now(), fields=form.cleaned_data
            )
        except Refusal as refusal:
            form.add_error("username", str(refusal))
        else:
            messages.success(request, "Your profile is saved.")
            return redirect("accounts:home")
    own = request.user.memberships.select_related("business").order_by("pk")
    return _page(request, "home", form, {"memberships": own})


@show_or_send
def close(request: AuthenticatedRequest) -> HttpResponse:
    form = CloseAccountForm(request.POST or None)
    if form.is_valid():
        try:
            profile.close_account(
                user=request.user, actor=request.user, now=timezone.now()
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            logout(request)
            messages.success(request, "Your account is closed.")
            return redirect("account_login")
    return _page(request, "close", form, {})


@show_or_send
def business(
    request: AuthenticatedRequest, public_id: UUID | None = None
) -> HttpResponse:
    business = _joined(request.user, public_id)
    may_manage = selectors.may(request.user, Permission.MANAGE_BUSINESS, business)
    if request.method == "POST" and not may_manage:
        raise PermissionDenied
    form = BusinessForm(
        request.POST or None,
        request.FILES or None,
        instance=Business.objects.get(pk=business.pk),
    )
    if form.is_valid():
        try:
            businesses.update_business(
                business=business,
                actor=request.user,
                now=timezone.now(),
                fields=form.cleaned_data,
            )
        except ValidationError as error:
            form.add_error(None, error)
        else:
            messages.success(request, "The business is saved.")
            return redirect("accounts:business", public_id=business.public_id)
    more = {"business": business, "may_manage": may_manage}
    return _page(request, "business", form, more)


@show_or_send
def members(
    request: AuthenticatedRequest, public_id: UUID | None = None
) -> HttpResponse:
    return _members(request, _joined(request.user, public_id), InvitationForm())


@require_POST
def invite(request: AuthenticatedRequest, public_id: UUID) -> HttpResponse:
    business = _managed(request.user, _joined(request.user, public_id))
    form = InvitationForm(request.POST)
    if form.is_valid():
        try:
            membership_services.invite_member(
                business=business,
                email=form.cleaned_data["email"],
                role=form.cleaned_data["role"],
                actor=request.user,
                now=timezone.now(),
            )
        except Refusal as refusal:
            form.add_error("email", str(refusal))
        else:
            messages.success(
                request, f"{form.cleaned_data['email']} is being sent an invitation."
            )
            return redirect("accounts:members", public_id=business.public_id)
    return _members(request, business, form)


@require_POST
def change_role(request: AuthenticatedRequest, public_id: UUID) -> HttpResponse:
    membership = _membership(request.user, public_id)
    _managed(request.user, membership.business)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return _members(
            request, membership.business, InvitationForm(), "There is no such role."
        )
    try:
        membership_services.change_role(
            membership=membership,
            role=form.cleaned_data["role"],
            actor=request.user,
            now=timezone.now(),
        )
    except Refusal as refusal:
        return _members(request, membership.business, InvitationForm(), str(refusal))
    messages.success(request, f"{membership.user.full_name} has another role now.")
    return redirect("accounts:members", public_id=membership.business.public_id)


@require_POST
def remove_member(request: AuthenticatedRequest, public_id: UUID) -> HttpResponse:
    membership = _membership(request.user, public_id)
    if membership.user != request.user:
        _managed(request.user, membership.business)
    try:
        membership_services.remove_member(
            membership=membership, actor=request.user, now=timezone.now()
        )
    except Refusal as refusal:
        return _members(request, membership.business, InvitationForm(), str(refusal))
    if membership.user == request.user:
        messages.success(request, f"You have left {membership.business.name}.")
        return redirect("accounts:home")
    messages.success(request, f"{membership.user.full_name} is no longer a member.")
    return redirect("accounts:members", public_id=membership.business.public_id)


@require_POST
def withdraw(request: AuthenticatedRequest, public_id: UUID) -> HttpResponse:
    invitation = get_object_or_404(
        Invitation.objects.select_related("business").filter(
            business__in=Business.objects.joined_by(request.user)
        ),
        public_id=public_id,
    )
    business = _managed(request.user, invitation.business)
    try:
        membership_services.withdraw_invitation(
            invitation=invitation, actor=request.user, now=timezone.now()
        )
    except Refusal as refusal:
        return _members(request, business, InvitationForm(), str(refusal))
    messages.success(request, f"The invitation of {invitation.email} is withdrawn.")
    return redirect("accounts:members", public_id=business.public_id)


# Whoever is invited may not have an account yet.
@login_not_required
@never_cache
@show_or_send
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    now = timezone.now()
    try:
        invitation = selectors.open_invitation(token, now)
        if not request.user.is_authenticated:
            # Signing up takes it from here.
            request.session[INVITATION] = token
        elif request.method == "POST":
            membership = membership_services.accept_invitation(
                token=token, user=request.user, now=now
            )
            messages.success(
                request, f"You are a member of {membership.business.name} now."
            )
            return redirect("accounts:home")
    except InvalidInvitation as refusal:
        return _refused(request, refusal, HTTPStatus.GONE)
    except Refusal as refusal:
        return _refused(request, refusal, HTTPStatus.CONFLICT)
    return render(request, "accounts/invitation.html", {"invitation": invitation})


def _refused(
    request: HttpRequest, refusal: Refusal, status: HTTPStatus
) -> HttpResponse:
    context = {"refusal": refusal}
    return render(request, "accounts/invitation.html", context, status=status)


@show_or_send
def tokens(request: AuthenticatedRequest) -> HttpResponse:
    form = TokenForm(request.POST or None)
    more: dict[str, Any] = {}
    if form.is_valid():
        try:
            token, more["key"] = token_services.create_token(
                user=request.user, name=form.cleaned_data["name"], now=timezone.now()
            )
        except Refusal as refusal:
            form.add_error(None, str(refusal))
        else:
            # Not redirected: a key kept for another page would be a key kept.
            more["created"] = token
            form = TokenForm()
    more["tokens"] = ApiToken.objects.filter(user=request.user).order_by("-pk")
    with timezone.override(own_zone(request)):
        return _page(request, "tokens", form, more)


@require_POST
def revoke_token(request: AuthenticatedRequest, public_id: UUID) -> HttpResponse:
    own = ApiToken.objects.filter(user=request.user)
    token = get_object_or_404(own, public_id=public_id)
    token_services.revoke_token(token=token, actor=request.user, now=timezone.now())
    messages.success(request, f"The token “{token.name}” is revoked.")
    return redirect("accounts:tokens")


def _joined(user: User, public_id: UUID | None) -> Business:
    """:raises Http404: if the user is no member of it, or of any where none is named"""
    own = Business.objects.joined_by(user)
    if public_id is not None:
        return get_object_or_404(own, public_id=public_id)
    if business := own.order_by("pk").first():
        return business
    raise Http404("You are a member of no business.")


def _managed(user: User, business: Business) -> Business:
    """:raises PermissionDenied: if the user may not manage it"""
    if not selectors.may(user, Permission.MANAGE_BUSINESS, business):
        raise PermissionDenied
    return business


def _membership(user: User, public_id: UUID) -> Membership:
    own: QuerySet[Membership] = Membership.objects.for_user(user)
    return get_object_or_404(
        own.select_related("business", "user"), public_id=public_id
    )


def _members(
    request: AuthenticatedRequest,
    business: Business,
    form: InvitationForm,
    refusal: str = "",
) -> HttpResponse:
    more = {
        "business": business,
        "may_manage": selectors.may(request.user, Permission.MANAGE_BUSINESS, business),
        "memberships": business.memberships.select_related("user").order_by("pk"),
        "invitations": business.invitations.open(timezone.now()).order_by("pk"),
        "roles": Role.choices,
        "refusal": refusal,
    }
    status = HTTPStatus.CONFLICT if refusal else None
    with timezone.override(business.time_zone):
        return _page(request, "members", form, more, status)


def _page(
    request: HttpRequest,
    name: str,
    form: BaseForm,
    more: dict[str, Any],
    status: HTTPStatus | None = None,
) -> HttpResponse:
    """
    A page around a form. What was sent and is wrong comes back as 400. No browser shows
    it to whoever comes after, and no key is kept in one.
    """
    wrong = HTTPStatus.BAD_REQUEST if form.errors else HTTPStatus.OK
    context = {"form": form, **more}
    page = render(request, f"accounts/{name}.html", context, status=status or wrong)
    add_never_cache_headers(page)
    return page
