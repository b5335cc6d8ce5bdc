from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django_tasks_db.models import DBTaskResult

from accounts.models import ApiToken, Business, Event, Invitation, Membership
from accounts.roles import Role
from accounts.services.mailing import mail_later
from tests.factories import BusinessFactory, MembershipFactory, UserFactory
from tests.rows import ROWS

pytestmark = pytest.mark.django_db


@pytest.fixture
def operator(client: Client) -> Client:
    client.force_login(UserFactory(is_superuser=True, is_staff=True))
    return client


def page(view: str, *args: object) -> str:
    return reverse(f"admin:accounts_{view}", args=args)


def said(response: Any) -> list[str]:
    return [str(message) for message in response.context["messages"]]


def of(business: Business, **changes: Any) -> dict[str, Any]:
    fields = (
        "name",
        "email",
        "address",
        "country",
        "tax_id",
        "currency",
        "payment_terms_days",
        "tax_rounding",
        "time_zone",
        "language",
        "iban",
        "bic",
        "footer",
    )
    return {name: getattr(business, name) for name in fields} | changes


def test_an_owner_changes_the_business_by_its_service(desk, owner, business):
    desk.post(page("business_change", business.pk), of(business, name="New name"))

    business.refresh_from_db()
    event = Event.objects.get()
    assert business.name == "New name"
    assert (event.type, event.actor, event.data) == (
        "business.updated",
        owner,
        {"fields": ["name"]},
    )


def test_no_owner_makes_the_business_publish(desk, business):
    business.publishes = False
    business.save()
    form = of(business, publishes="on")

    desk.post(page("business_change", business.pk), form)

    business.refresh_from_db()
    assert not business.publishes


def test_a_time_zone_that_is_none_is_refused(desk, business):
    form = of(business, time_zone="Europe/Atlantis")

    response = desk.post(page("business_change", business.pk), form)

    assert "time_zone" in response.context["adminform"].form.errors


def test_accountants_look_at_the_business_and_do_not_change_it(client, business):
    client.force_login(MembershipFactory(business=business, role=Role.ACCOUNTANT).user)
    url = page("business_change", business.pk)

    assert client.get(url).status_code == 200
    assert client.post(url, of(business)).status_code == 403


def test_a_business_of_others_is_not_found(desk):
    assert desk.get(page("business_change", BusinessFactory().pk)).status_code == 404


def test_an_owner_gives_a_member_another_role(desk, business):
    member = MembershipFactory(business=business, role=Role.VIEWER)

    desk.post(page("membership_change", member.pk), {"role": "accountant"})

    member.refresh_from_db()
    assert member.role == Role.ACCOUNTANT
    assert Event.objects.get().type == "member.role_changed"


def test_the_last_owner_stays_one_and_is_told_why(desk, owner):
    own = owner.memberships.get()

    response = desk.post(page("membership_change", own.pk), {"role": "viewer"})

    errors = response.context["adminform"].form.non_field_errors()
    assert "is the last owner; make somebody else an owner first." in errors[0]
    own.refresh_from_db()
    assert own.role == Role.OWNER


def test_the_last_owner_is_not_removed_and_is_told_why(desk, owner):
    own = owner.memberships.get()

    response = desk.post(
        page("membership_delete", own.pk), {"post": "yes"}, follow=True
    )

    assert response.redirect_chain == [(page("membership_change", own.pk), 302)]
    assert "is the last owner" in said(response)[0]
    assert Membership.objects.get() == own


def test_an_owner_removes_a_member(desk, business):
    member = MembershipFactory(business=business, role=Role.VIEWER)

    desk.post(page("membership_delete", member.pk), {"post": "yes"})

    assert not Membership.objects.filter(pk=member.pk).exists()
    assert Event.objects.get().type == "member.removed"


def test_an_owner_invites(desk, owner, business, run_tasks, mailoutbox):
    form = {"business": business.pk, "email": "jo@example.com", "role": "author"}

    desk.post(page("invitation_add"), form)
    run_tasks()

    invitation = Invitation.objects.get()
    assert (invitation.business, invitation.role, invitation.invited_by) == (
        business,
        Role.AUTHOR,
        owner,
    )
    assert [mail.to for mail in mailoutbox] == [["jo@example.com"]]


def test_nobody_is_invited_into_a_business_of_others(desk):
    form = {
        "business": BusinessFactory().pk,
        "email": "jo@example.com",
        "role": "owner",
    }

    response = desk.post(page("invitation_add"), form)

    assert "business" in response.context["adminform"].form.errors
    assert not Invitation.objects.exists()


def test_members_are_not_invited_again(desk, owner, business):
    form = {"business": business.pk, "email": owner.email, "role": "viewer"}

    response = desk.post(page("invitation_add"), form)

    errors = response.context["adminform"].form.non_field_errors()
    assert errors == [f"{owner.email} is a member already."]


def test_the_token_of_an_invitation_is_shown_to_nobody(desk, business):
    invitation = ROWS["accounts.invitation"](business)

    shown = desk.get(page("invitation_change", invitation.pk)).content.decode()

    assert invitation.email in shown
    assert invitation.token not in shown


def test_an_owner_withdraws_an_invitation(desk, business):
    invitation = ROWS["accounts.invitation"](business)

    desk.post(page("invitation_delete", invitation.pk), {"post": "yes"})

    assert not Invitation.objects.exists()
    assert Event.objects.get().type == "member.uninvited"


@pytest.mark.parametrize("view", ["user_changelist", "apitoken_changelist"])
def test_people_and_their_tokens_are_for_operators(desk, view):
    assert desk.get(page(view)).status_code == 403


def test_closing_an_account_asks_first(operator):
    user = UserFactory()

    response = operator.get(page("user_close_account", user.pk))

    user.refresh_from_db()
    assert user.email in response.context["consequence"]
    assert user.is_active


def test_an_operator_closes_an_account(operator):
    user = UserFactory()

    response = operator.post(page("user_close_account", user.pk), follow=True)

    user.refresh_from_db()
    assert not user.is_active
    assert said(response) == [f"{user.email} can no longer sign in."]


def test_owners_close_no_accounts(desk):
    user = UserFactory()

    response = desk.post(page("user_close_account", user.pk))

    user.refresh_from_db()
    assert response.status_code == 403
    assert user.is_active


def test_an_operator_revokes_a_token(operator, business):
    token, _ = ROWS["accounts.apitoken"](business)

    operator.post(page("apitoken_delete", token.pk), {"post": "yes"})

    assert not ApiToken.objects.exists()
    assert Event.objects.get(type="token.revoked").data["name"] == "Laptop"


def test_what_a_second_factor_is_made_of_is_shown_to_nobody(operator, business):
    factor = ROWS["mfa.authenticator"](business)
    url = reverse("admin:mfa_authenticator_change", args=[factor.pk])

    assert "made up" not in operator.get(url).content.decode()


def test_mail_that_opens_an_account_is_shown_to_nobody(operator):
    mail_later(to="jo@example.com", subject="Reset", text="/reset/secret/", html="")
    task = DBTaskResult.objects.get()
    url = reverse("admin:django_tasks_database_dbtaskresult_change", args=[task.pk])

    shown = operator.get(url).content.decode()

    assert task.task_path in shown
    assert "/reset/secret/" not in shown
