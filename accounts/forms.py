"""What people type about themselves and their businesses."""

from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.http import HttpRequest

from accounts.models import Business, User
from accounts.roles import Role

LOGO_BYTES: Final = 1024 * 1024
LOGO_PIXELS: Final = 4000


class SignupDetailsForm(forms.Form):
    """What allauth's sign-up form asks beside e-mail and password."""

    full_name = forms.CharField(
        max_length=150, widget=forms.TextInput(attrs={"autocomplete": "name"})
    )
    business_name = forms.CharField(
        max_length=150,
        required=False,
        help_text="On your invoices. Empty means your own name.",
        widget=forms.TextInput(attrs={"autocomplete": "organization"}),
    )

    field_order = ("full_name", "business_name", "email", "password1")

    def signup(self, request: HttpRequest, user: User) -> None:
        """allauth asks for this; `accounts.adapters` has done everything by now."""


class ProfileForm(forms.ModelForm[User]):
    class Meta:
        model = User
        fields = ("full_name", "username", "gender")


class LogoField(forms.ImageField):
    """A PNG or JPEG of a size that fits the head of an invoice."""

    default_validators = [
        FileExtensionValidator(["png", "jpg", "jpeg"], "Upload a PNG or JPEG image."),
    ]

    def to_python(self, data: Any) -> Any:
        if data and data.size > LOGO_BYTES:
            raise ValidationError("This image is larger than 1 MB; upload a smaller.")
        upload: Any = super().to_python(data)
        if upload and upload.image.format not in {"PNG", "JPEG"}:
            raise ValidationError("Upload a PNG or JPEG image.")
        if upload and max(upload.image.size) > LOGO_PIXELS:
            raise ValidationError(
                f"This image is more than {LOGO_PIXELS} pixels wide or high."
            )
        return upload


class BusinessForm(forms.ModelForm[Business]):
    logo = LogoField(required=False, help_text="PNG or JPEG, up to 1 MB.")

    class Meta:
        model = Business
        fields = (
            "name",
            "email",
            "address",
            "country",
            "tax_id",
            "time_zone",
            "currency",
            "payment_terms_days",
            "tax_rounding",
            "language",
            "iban",
            "bic",
            "footer",
            "logo",
        )
        widgets = {
            "address": forms.Textarea(attrs={"rows": 3}),
            "footer": forms.Textarea(attrs={"rows": 3}),
        }


class InvitationForm(forms.Form):
    email = forms.EmailField(max_length=254)
    role = forms.ChoiceField(choices=Role.choices, initial=Role.VIEWER)

    def clean_email(self) -> str:
        return str(self.cleaned_data["email"]).lower()

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)

    def clean_role(self) -> Role:
        return Role(self.cleaned_data["role"])


class TokenForm(forms.Form):
    name = forms.CharField(
        max_length=100, label="What it is for", help_text="So that you know it again."
    )


class CloseAccountForm(forms.Form):
    sure = forms.BooleanField(label="Close my account. I cannot open it again.")
