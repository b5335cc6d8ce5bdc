"""Businesses, their members, and the people behind them."""

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from unfold.enums import ActionVariant

from accounts.admin.base import BackOfficeAdmin, OperatorAdmin, button, label
from accounts.http import businesses_for, person
from accounts.models import ApiToken, Business, Invitation, Membership, User
from accounts.roles import Permission, Role
from accounts.services import businesses, members, profile, tokens

ROLE_COLORS = {
    Role.OWNER.value: "primary",
    Role.ACCOUNTANT.value: "info",
    Role.AUTHOR.value: "success",
}


@admin.register(Business)
class BusinessAdmin(BackOfficeAdmin):
    business_path = "pk"
    to_add = None
    to_change = Permission.MANAGE_BUSINESS
    list_display = ("name", "email", "country", "currency", "publishes")
    list_filter = ("publishes", "tax_rounding")
    search_fields = ("name", "email")
    ordering = ("name", "pk")
    readonly_fields = ("publishes",)
    fieldsets = (
        (None, {"fields": ("name", ("email", "tax_id"), "address", "country")}),
        (
            "New invoices",
            {
                "fields": (
                    ("currency", "payment_terms_days"),
                    ("tax_rounding", "time_zone"),
                    "language",
                    ("iban", "bic"),
                    "footer",
                )
            },
        ),
        ("Site", {"fields": ("publishes",)}),
    )

    def save_model(
        self, request: HttpRequest, obj: Business, form: Any, change: bool
    ) -> None:
        businesses.update_business(
            business=obj,
            actor=person(request),
            now=timezone.now(),
            fields={name: form.cleaned_data[name] for name in form.changed_data},
        )


@admin.register(Membership)
class MembershipAdmin(BackOfficeAdmin):
    to_add = None
    to_change = to_delete = Permission.MANAGE_BUSINESS
    list_display = ("who", "role_", "business", "created_at")
    list_filter = ("role",)
    list_select_related = ("user", "business")
    search_fields = ("user__email", "user__full_name")
    ordering = ("-pk",)
    fields = ("business", "user", "role", "created_at")
    readonly_fields = ("business", "user", "created_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("user", "business")

    @admin.display(description="person", ordering="user__full_name")
    def who(self, membership: Membership) -> str:
        return membership.user.full_name or membership.user.email

    @label("role", ROLE_COLORS, ordering="role")
    def role_(self, membership: Membership) -> tuple[str, str]:
        return membership.role, membership.get_role_display()

    def save_model(
        self, request: HttpRequest, obj: Membership, form: Any, change: bool
    ) -> None:
        members.change_role(
            membership=obj,
            role=Role(form.cleaned_data["role"]),
            actor=person(request),
            now=timezone.now(),
        )

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        members.remove_member(membership=obj, actor=person(request), now=timezone.now())


@admin.register(Invitation)
class InvitationAdmin(BackOfficeAdmin):
    """Offers to join. Their token is in the mail and nowhere else."""

    to_view = to_add = to_delete = Permission.MANAGE_BUSINESS
    to_change = None
    list_display = ("email", "role", "business", "expires_at", "accepted_at")
    list_filter = ("role",)
    list_select_related = ("business",)
    search_fields = ("email",)
    ordering = ("-pk",)
    fields = ("business", "email", "role", "invited_by", "expires_at", "accepted_at")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return ("business", "email", "role") if obj is None else self.fields

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        own = businesses_for(request, Permission.MANAGE_BUSINESS)
        return {"business": own.order_by("pk").first(), "role": Role.VIEWER}

    def save_model(
        self, request: HttpRequest, obj: Invitation, form: Any, change: bool
    ) -> None:
        obj.pk = members.invite_member(
            business=form.cleaned_data["business"],
            email=form.cleaned_data["email"],
            role=Role(form.cleaned_data["role"]),
            actor=person(request),
            now=timezone.now(),
        ).pk

    def delete_model(self, request: HttpRequest, obj: Invitation) -> None:
        members.withdraw_invitation(
            invitation=obj, actor=person(request), now=timezone.now()
        )


@admin.register(User)
class UserAdmin(OperatorAdmin):
    list_display = ("email", "full_name", "username", "is_active", "is_staff")
    list_filter = ("is_active", "is_staff", "is_superuser")
    search_fields = ("email", "username", "full_name")
    ordering = ("-pk",)
    actions_detail = ("close_account",)
    fields = (
        ("email", "username"),
        ("full_name", "gender"),
        ("is_active", "is_staff", "is_superuser"),
        ("last_login", "created_at", "updated_at"),
    )

    @button("Close account", "person_off", ActionVariant.DANGER)
    def close_account(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self.get_object(request, object_id)

        def act() -> str:
            profile.close_account(user=user, actor=person(request), now=timezone.now())
            return f"{user.email} can no longer sign in."

        return self.ask(
            request,
            user,
            title="Close account",
            consequence=(
                f"Nobody signs in as {user.email} again, and the person's tokens hold "
                "no more. What their business issued stays as it is."
            ),
            act=act,
        )


@admin.register(EmailAddress)
class EmailAddressAdmin(OperatorAdmin):
    list_display = ("email", "user", "primary", "verified")
    list_filter = ("primary", "verified")
    list_select_related = ("user",)
    search_fields = ("email",)
    ordering = ("-pk",)
    fields = ("user", "email", "primary", "verified")


@admin.register(Authenticator)
class AuthenticatorAdmin(OperatorAdmin):
    """Second factors; what they are made of is shown to nobody."""

    list_display = ("user", "type", "created_at", "last_used_at")
    list_filter = ("type",)
    list_select_related = ("user",)
    search_fields = ("user__email",)
    ordering = ("-pk",)
    fields = ("user", "type", "created_at", "last_used_at")


@admin.register(ApiToken)
class ApiTokenAdmin(OperatorAdmin):
    list_display = ("token_key", "name", "user", "created", "expiry")
    list_select_related = ("user",)
    list_filter = ("expiry",)
    search_fields = ("^token_key", "user__email")
    ordering = ("-pk",)
    fields = ("user", "name", "token_key", "created", "expiry")
    may_delete = True

    def delete_model(self, request: HttpRequest, obj: ApiToken) -> None:
        tokens.revoke_token(token=obj, actor=person(request), now=timezone.now())
