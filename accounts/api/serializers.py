"""People and businesses as JSON. Rows are known by `public_id`, people by user name."""

from typing import Any, Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import ApiToken, Business, Event, Invitation, Membership, User
from accounts.roles import Role


class UserSerializer(serializers.ModelSerializer[User]):
    """What others may see. The address only where both are members of a business."""

    email = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("username", "full_name", "email")

    def get_email(self, user: User) -> str | None:
        shown = getattr(user, "is_fellow", False) or user == self._reader()
        return user.email if shown else None

    def _reader(self) -> Any:
        return self.context["request"].user


class OwnUserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = (
            "username",
            "email",
            "full_name",
            "gender",
            "created_at",
            "updated_at",
        )
        read_only_fields = ("email",)


class SignUpSerializer(serializers.ModelSerializer[User]):
    """Its answer is the same whether or not the address had an account already."""

    # Not unique here: who has an account is nobody's business.
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(
        write_only=True, max_length=128, trim_whitespace=False
    )
    business_name = serializers.CharField(
        write_only=True,
        max_length=150,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of your own business; empty means your own name.",
    )

    class Meta:
        model = User
        fields = (
            "username",
            "email",
            "full_name",
            "gender",
            "password",
            "business_name",
        )

    def validate_email(self, email: str) -> str:
        return email.lower()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        person = User(
            username=attrs["username"],
            email=attrs["email"],
            full_name=attrs["full_name"],
        )
        try:
            validate_password(attrs["password"], person)
        except DjangoValidationError as error:
            raise serializers.ValidationError({"password": error.messages}) from error
        return attrs


class BusinessSerializer(serializers.ModelSerializer[Business]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    # Anyone may have the same; an owner's own address unless another is given.
    email = serializers.EmailField(max_length=254, required=False)
    logo = serializers.ImageField(read_only=True)

    class Meta:
        model = Business
        fields = (
            "id",
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
            "created_at",
            "updated_at",
        )


# Of a field that names a row by its id.
NO_SUCH_ROW: Final[dict[str, Any]] = {
    "does_not_exist": "Nothing has this id, or nothing that you may see.",
    "invalid": "This is no id; one reads as 5e0f0ad2-6a0c-4c5e-9d0f-2b8f6a1e7c34.",
}


@extend_schema_field(serializers.UUIDField())
class OwnBusinessField(serializers.SlugRelatedField[Business]):
    """The id of a business that the reader is a member of."""

    default_error_messages = NO_SUCH_ROW

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            slug_field="public_id", queryset=Business.objects.none(), **kwargs
        )

    def get_queryset(self) -> Any:
        return Business.objects.joined_by(self.context["request"].user)

    def to_internal_value(self, data: Any) -> Business:
        try:
            return super().to_internal_value(data)
        except DjangoValidationError:
            # No UUID at all.
            self.fail("invalid")


class MemberSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("username", "full_name", "email")


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    business = serializers.UUIDField(source="business.public_id", read_only=True)
    user = MemberSerializer(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices)

    class Meta:
        model = Membership
        fields = ("id", "business", "user", "role", "created_at")


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    business = OwnBusinessField()
    role = serializers.ChoiceField(choices=Role.choices)
    invited_by = serializers.CharField(source="invited_by.username", read_only=True)

    class Meta:
        model = Invitation
        fields = (
            "id",
            "business",
            "email",
            "role",
            "invited_by",
            "created_at",
            "expires_at",
            "accepted_at",
        )
        read_only_fields = ("expires_at", "accepted_at")

    def validate_email(self, email: str) -> str:
        return email.lower()


class AcceptSerializer(serializers.Serializer[Invitation]):
    token = serializers.CharField(
        max_length=64, help_text="The last part of the link in the invitation's mail."
    )


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    prefix = serializers.CharField(source="token_key", read_only=True)
    created_at = serializers.DateTimeField(source="created", read_only=True)
    expires_at = serializers.DateTimeField(source="expiry", read_only=True)

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "created_at", "expires_at")


class NewTokenSerializer(TokenSerializer):
    """The only answer that has the token itself."""

    token = serializers.CharField(
        read_only=True, help_text="Send it as `Authorization: Token …`."
    )

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "created_at", "expires_at", "token")


class EventSerializer(serializers.ModelSerializer[Event]):
    id = serializers.UUIDField(source="public_id", read_only=True)
    business = serializers.UUIDField(
        source="business.public_id", read_only=True, allow_null=True
    )
    actor = serializers.CharField(
        source="actor.username",
        read_only=True,
        allow_null=True,
        help_text="Null where a customer, Stripe or a schedule did it.",
    )

    class Meta:
        model = Event
        fields = (
            "id",
            "type",
            "business",
            "actor",
            "subject_type",
            "subject_id",
            "data",
            "occurred_at",
        )
