import pytest

from accounts.exceptions import EmailTaken, InvalidInput, InvalidInvitation
from accounts.models import Business, Event, User
from accounts.roles import Role
from accounts.services import members, signing_up
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db


def person(email="jo@example.com", full_name="Jo Bloggs", username=""):
    return User(email=email, full_name=full_name, username=username)


def test_whoever_signs_up_owns_a_business(now):
    user = signing_up.sign_up(user=person(), now=now, business_name="Studio")

    (membership,) = user.memberships.all()
    assert (membership.role, membership.business.name) == (Role.OWNER, "Studio")
    assert membership.business.email == "jo@example.com"
    assert list(Event.objects.order_by("pk").values_list("type", flat=True)) == [
        "user.signed_up",
        "business.created",
    ]


def test_a_business_without_a_name_is_called_after_its_owner(now):
    user = signing_up.sign_up(user=person(), now=now)

    assert user.memberships.get().business.name == "Jo Bloggs"


def test_only_the_first_business_of_a_site_writes_its_blog(now):
    signing_up.sign_up(user=person(), now=now)
    signing_up.sign_up(user=person("kim@example.com"), now=now)

    publishes = Business.objects.order_by("pk").values_list("publishes", flat=True)
    assert list(publishes) == [True, False]


@pytest.mark.parametrize(
    ("full_name", "username"),
    [
        ("Jo Bloggs", "jo-bloggs"),
        ("Łódź Ważna", "odz-wazna"),
        ("株式会社", "user"),
        ("Me", "user"),
        ("x" * 150, "x" * 40),
    ],
)
def test_a_user_name_is_made_of_the_name(now, full_name, username):
    user = signing_up.sign_up(user=person(full_name=full_name), now=now)

    assert user.username == username


def test_a_user_name_that_is_taken_gets_an_ending(now):
    UserFactory(username="JO-bloggs")

    user = signing_up.sign_up(user=person(), now=now)

    assert user.username.startswith("jo-bloggs-")


def test_a_chosen_user_name_that_is_taken_is_refused(now):
    UserFactory(username="jo")

    with pytest.raises(InvalidInput, match="taken"):
        signing_up.sign_up(user=person(username="Jo"), now=now)

    assert (User.objects.count(), Event.objects.count()) == (1, 0)


def test_one_address_is_one_user(now):
    UserFactory(email="jo@example.com")

    with pytest.raises(EmailTaken):
        signing_up.sign_up(user=person("JO@example.com"), now=now)

    assert (User.objects.count(), Business.objects.count()) == (1, 0)


def test_whoever_was_invited_joins_instead(now):
    owner = MembershipFactory(role=Role.OWNER)
    invitation = members.invite_member(
        business=owner.business,
        email="jo@example.com",
        role=Role.ACCOUNTANT,
        actor=owner.user,
        now=now,
    )

    user = signing_up.sign_up(user=person(), now=now, invitation=invitation)

    (membership,) = user.memberships.all()
    assert (membership.business, membership.role) == (owner.business, Role.ACCOUNTANT)
    assert Business.objects.count() == 1


def test_an_invitation_used_meanwhile_makes_no_user(now):
    owner = MembershipFactory(role=Role.OWNER)
    invitation = members.invite_member(
        business=owner.business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=owner.user,
        now=now,
    )
    members.join_business(invitation=invitation, user=UserFactory(), now=now)

    with pytest.raises(InvalidInvitation):
        signing_up.sign_up(user=person(), now=now, invitation=invitation)

    assert not User.objects.filter(email="jo@example.com").exists()


def test_a_name_that_stays_taken_is_refused(now, monkeypatch):
    monkeypatch.setattr(signing_up.secrets, "token_hex", lambda size: "1")
    UserFactory(username="jo-bloggs")
    UserFactory(username="jo-bloggs-1")

    with pytest.raises(InvalidInput, match="taken"):
        signing_up.sign_up(user=person(), now=now)

    assert User.objects.count() == 2
