"""The API over people, businesses, members, invitations, tokens and events."""

from collections.abc import Sequence
from typing import Any, cast

from allauth.account.adapter import get_adapter
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone
from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.throttling import BaseThrottle, SimpleRateThrottle

from accounts import selectors
from accounts.api.filters import (
    EventFilter,
    InvitationFilter,
    MembershipFilter,
    UserFilter,
)
from accounts.api.pagination import Counted
from accounts.api.schema import extend_schema, extend_schema_view
from accounts.api.serializers import (
    AcceptSerializer,
    BusinessSerializer,
    EventSerializer,
    InvitationSerializer,
    MembershipSerializer,
    NewTokenSerializer,
    OwnUserSerializer,
    SignUpSerializer,
    TokenSerializer,
    UserSerializer,
)
from accounts.api.throttles import address_of
from accounts.api.viewsets import GenericViewSet, ReadOnlyModelViewSet
from accounts.http import person
from accounts.models import ApiToken, Business, Event, Invitation, Membership, User
from accounts.roles import Permission, Role
from accounts.services import businesses, members, profile, tokens


def check_manages(user: User, business: Business) -> None:
    """:raises PermissionDenied: if the user may not manage it"""
    if not selectors.may(user, Permission.MANAGE_BUSINESS, business):
        raise PermissionDenied("Only an owner may do this.")


class SignUpThrottle(SimpleRateThrottle):
    """
    A sign-up sends mail to an address of the caller's choice. By address, whoever asks:
    signed in, one could ask more often.
    """

    scope = "sign_up"
    rate = "20/min"

    def get_cache_key(self, request: Request, view: Any) -> str:
        return f"throttle-{self.scope}-{address_of(request)}"


@extend_schema_view(
    list={"summary": "List people who proved their address"},
)
class UserViewSet(mixins.ListModelMixin, GenericViewSet[User]):
    """People, by user name. `me` is whoever asks."""

    queryset = User.objects.none()
    serializer_class = UserSerializer
    lookup_field = "username"
    lookup_value_regex = "[^/]+"
    filterset_class = UserFilter
    pagination_class = Counted

    def get_permissions(self) -> Sequence[Any]:
        return [AllowAny()] if self.action == "create" else super().get_permissions()

    def get_throttles(self) -> list[BaseThrottle]:
        usual = super().get_throttles()
        return [*usual, SignUpThrottle()] if self.action == "create" else usual

    def get_queryset(self) -> QuerySet[User]:
        fellow = Membership.objects.for_user(person(self.request))
        return User.objects.listed().annotate(
            is_fellow=Exists(fellow.filter(user=OuterRef("pk")))
        )

    @extend_schema(
        summary="Sign up", request=SignUpSerializer, responses={201: SignUpSerializer}
    )
    def create(self, request: Request) -> Response:
        """
        A link to prove the address is mailed to it; signing in needs that.

        The answer is the same where the address has an account; the mail says so then.
        """
        serializer = SignUpSerializer(
            data=request.data, context=self.get_serializer_context()
        )
        serializer.is_valid(raise_exception=True)
        details = dict(serializer.validated_data)
        password, business_name = details.pop("password"), details.pop("business_name")
        user = User(**details)
        user.set_password(password)
        asked = request._request  # noqa: SLF001 - allauth takes Django's own
        get_adapter().register(asked, user, business_name)
        shown = SignUpSerializer(user, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Read about a person, or all about yourself",
        responses=PolymorphicProxySerializer(
            component_name="Person",
            serializers=[OwnUserSerializer, UserSerializer],
            resource_type_field_name=None,
        ),
    )
    def retrieve(self, request: Request, username: str) -> Response:
        if self._is_own(username):
            return Response(OwnUserSerializer(person(request)).data)
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Change yourself",
        request=OwnUserSerializer,
        responses=OwnUserSerializer,
    )
    def partial_update(self, request: Request, username: str) -> Response:
        self._check_own(username)
        serializer = OwnUserSerializer(person(request), data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        user = profile.update_profile(
            user=person(request), now=timezone.now(), fields=serializer.validated_data
        )
        return Response(OwnUserSerializer(user).data)

    @extend_schema(summary="Close your account", responses={204: None})
    def destroy(self, request: Request, username: str) -> Response:
        """You leave your businesses, and your tokens hold no more."""
        self._check_own(username)
        profile.close_account(
            user=person(request), actor=person(request), now=timezone.now()
        )
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _is_own(self, username: str) -> bool:
        return username.lower() in {"me", person(self.request).username}

    def _check_own(self, username: str) -> None:
        if not self._is_own(username):
            self.get_object()
            raise PermissionDenied("You may change nobody but yourself.")


@extend_schema_view(
    list={"summary": "List your businesses"},
    retrieve={"summary": "Read one of your businesses"},
    create={"summary": "Make a business of your own"},
    partial_update={"summary": "Change a business"},
)
class BusinessViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.UpdateModelMixin,
    GenericViewSet[Business],
):
    """Businesses that you are a member of. Owners change them."""

    queryset = Business.objects.none()
    serializer_class = BusinessSerializer
    lookup_field = "public_id"
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_queryset(self) -> QuerySet[Business]:
        return Business.objects.joined_by(person(self.request))

    def perform_create(self, serializer: BaseSerializer[Business]) -> None:
        serializer.instance = businesses.create_business(
            owner=person(self.request),
            now=timezone.now(),
            fields=serializer.validated_data,
        )

    def perform_update(self, serializer: BaseSerializer[Business]) -> None:
        business = cast("Business", serializer.instance)
        check_manages(person(self.request), business)
        serializer.instance = businesses.update_business(
            business=business,
            actor=person(self.request),
            now=timezone.now(),
            fields=serializer.validated_data,
        )


@extend_schema_view(
    list={"summary": "List members of your businesses"},
    retrieve={"summary": "Read a membership"},
    partial_update={"summary": "Give a member another role"},
    destroy={"summary": "Remove a member, or leave"},
)
class MembershipViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.UpdateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Membership],
):
    """Members of your businesses. Owners change roles; anyone may leave."""

    queryset = Membership.objects.none()
    serializer_class = MembershipSerializer
    filterset_class = MembershipFilter
    lookup_field = "public_id"
    http_method_names = ["get", "patch", "delete", "head", "options"]

    def get_queryset(self) -> QuerySet[Membership]:
        own = Membership.objects.for_user(person(self.request))
        return own.select_related("business", "user")

    def perform_update(self, serializer: BaseSerializer[Membership]) -> None:
        membership = cast("Membership", serializer.instance)
        check_manages(person(self.request), membership.business)
        serializer.instance = members.change_role(
            membership=membership,
            role=Role(serializer.validated_data.get("role", membership.role)),
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, membership: Membership) -> None:
        if membership.user != self.request.user:
            check_manages(person(self.request), membership.business)
        members.remove_member(
            membership=membership, actor=person(self.request), now=timezone.now()
        )


@extend_schema_view(
    list={"summary": "List invitations into businesses that you own"},
    retrieve={"summary": "Read an invitation"},
    create={"summary": "Invite somebody by mail"},
    destroy={"summary": "Withdraw an invitation"},
)
class InvitationViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.CreateModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[Invitation],
):
    """Offers to join a business. The mail has the token, and nothing else has it."""

    queryset = Invitation.objects.none()
    serializer_class = InvitationSerializer
    filterset_class = InvitationFilter
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[Invitation]:
        every = Invitation.objects.select_related("business", "invited_by")
        if self.action == "list":
            return every.for_user(person(self.request))
        return every.filter(
            business__in=Business.objects.joined_by(person(self.request))
        )

    def get_object(self) -> Invitation:
        invitation = super().get_object()
        check_manages(person(self.request), invitation.business)
        return invitation

    def perform_create(self, serializer: BaseSerializer[Invitation]) -> None:
        details = serializer.validated_data
        check_manages(person(self.request), details["business"])
        serializer.instance = members.invite_member(
            business=details["business"],
            email=details["email"],
            role=Role(details["role"]),
            actor=person(self.request),
            now=timezone.now(),
        )

    def perform_destroy(self, invitation: Invitation) -> None:
        members.withdraw_invitation(
            invitation=invitation, actor=person(self.request), now=timezone.now()
        )

    @extend_schema(
        summary="Accept an invitation to one of your addresses",
        request=AcceptSerializer,
        responses={201: MembershipSerializer},
    )
    @action(detail=False, methods=["post"])
    def accept(self, request: Request) -> Response:
        serializer = AcceptSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        membership = members.accept_invitation(
            token=serializer.validated_data["token"],
            user=person(request),
            now=timezone.now(),
        )
        shown = MembershipSerializer(membership, context=self.get_serializer_context())
        return Response(shown.data, status=status.HTTP_201_CREATED)


@extend_schema_view(
    list={"summary": "List your tokens"},
    retrieve={"summary": "Read about a token"},
    destroy={"summary": "Revoke a token"},
)
class TokenViewSet(
    mixins.ListModelMixin,
    mixins.RetrieveModelMixin,
    mixins.DestroyModelMixin,
    GenericViewSet[ApiToken],
):
    """Your keys to this API, by what each begins with."""

    queryset = ApiToken.objects.none()
    serializer_class = TokenSerializer
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[ApiToken]:
        return ApiToken.objects.filter(user=person(self.request))

    @extend_schema(
        summary="Make a token",
        request=NewTokenSerializer,
        responses={201: NewTokenSerializer},
    )
    def create(self, request: Request) -> Response:
        """The answer has the token itself, this once."""
        serializer = TokenSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        token, key = tokens.create_token(
            user=person(request),
            name=serializer.validated_data["name"],
            now=timezone.now(),
        )
        shown = {**TokenSerializer(token).data, "token": key}
        return Response(shown, status=status.HTTP_201_CREATED)

    def perform_destroy(self, token: ApiToken) -> None:
        tokens.revoke_token(token=token, actor=person(self.request), now=timezone.now())


@extend_schema_view(
    list={"summary": "List what happened in your businesses"},
    retrieve={"summary": "Read an event"},
)
class EventViewSet(ReadOnlyModelViewSet[Event]):
    """What happened, newest first. Written once and never changed."""

    queryset = Event.objects.none()
    serializer_class = EventSerializer
    filterset_class = EventFilter
    lookup_field = "public_id"

    def get_queryset(self) -> QuerySet[Event]:
        own = Event.objects.for_user(person(self.request))
        return own.select_related("business", "actor")
