from functools import partial

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import Event
from accounts.roles import Role
from billing.exceptions import NotOnTheDesk, PaymentDisputed, RefundTooLarge
from billing.models import HeldPayment, Payment, Refund
from billing.services import desk, refunding
from invoices import selectors
from invoices.services.balances import apply_balance
from tests.api import in_role
from tests.at_once import at_once
from tests.billing.world import deliver, finalized, standing, start
from tests.factories import BusinessFactory, MembershipFactory

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

LIST = reverse("admin:billing_heldpayment_changelist")


def keep(payment) -> Payment:
    return desk.keep_held(payment=payment, actor=None, now=timezone.now())


def refund(payment, amount=None) -> Refund:
    return refunding.request_refund(
        payment=payment, amount=amount, reason="", actor=None, now=timezone.now()
    )


def undecided() -> list[int]:
    return [row.left for row in Payment.objects.undecided()]


def test_what_is_kept_is_the_customers_and_pays_the_invoice(invoice, held):
    assert undecided() == [9_000]

    keep(held)

    assert undecided() == []
    assert selectors.balances(invoice.customer) == {"EUR": 9_000}
    assert standing(invoice) == ("open", 0, 0, 0)
    kept = Event.objects.about("payment", held.public_id).order_by("pk").last()
    assert (kept.type, kept.data["amount"]) == ("payment.kept", 9_000)
    apply_balance(invoice=invoice, amount=None, actor=None, now=timezone.now())
    assert selectors.amounts(invoice).due == 1_000


def test_only_what_is_left_after_a_refund_is_kept(invoice, held, run_tasks):
    refund(held, 4_000)

    keep(held)

    run_tasks()
    assert selectors.balances(invoice.customer) == {"EUR": 5_000}
    assert standing(invoice) == ("open", 0, 0, 0)
    with pytest.raises(RefundTooLarge):
        refund(held, 1)


def test_what_goes_back_in_whole_is_not_kept_as_well(invoice, held):
    refund(held)

    with pytest.raises(NotOnTheDesk, match="waits for a decision"):
        keep(held)

    assert selectors.balances(invoice.customer) == {}


def test_what_comes_back_after_that_can_be_sent_again_and_not_be_kept(
    stripe, held, run_tasks
):
    refund(held, 4_000)
    keep(held)
    run_tasks()
    deliver(stripe, *stripe.fail_refund(*stripe.refunds))
    assert undecided() == [4_000]

    with pytest.raises(NotOnTheDesk, match="was kept before"):
        keep(held)

    assert refund(held).amount == 4_000


def test_a_payment_that_fits_is_not_on_the_desk(stripe):
    deliver(stripe, *stripe.pay(start(finalized()).session_id))

    with pytest.raises(NotOnTheDesk, match="waits for a decision"):
        keep(Payment.objects.get())


def test_money_of_test_mode_and_disputed_money_are_not_kept(stripe, invoice, held):
    Payment.objects.update(problem=Payment.Problem.LIVEMODE)
    with pytest.raises(NotOnTheDesk, match="no real money"):
        keep(held)
    Payment.objects.update(problem=Payment.Problem.AMOUNT)
    deliver(stripe, *stripe.dispute(held.payment_intent, 5_000))

    with pytest.raises(PaymentDisputed):
        keep(held)

    assert selectors.balances(invoice.customer) == {}


def test_money_in_another_currency_is_kept_in_that(stripe, invoice):
    checkout = start(invoice)
    event = stripe.pay(checkout.session_id)[-1]
    stripe.sessions[checkout.session_id]["currency"] = "usd"
    for intent in stripe.intents.values():
        intent["currency"] = "usd"
    deliver(stripe, event)

    keep(Payment.objects.get())

    assert selectors.balances(invoice.customer) == {"USD": 10_000}


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_of_two_decisions_at_once_one_is_taken(invoice, held, run_tasks):
    def decide(act):
        try:
            return bool(act(held))
        except (NotOnTheDesk, RefundTooLarge):
            return False

    answers = at_once([partial(decide, act) for act in (keep, refund) * 3])

    run_tasks()
    assert sorted(answers) == [False] * 5 + [True]
    kept = selectors.balances(invoice.customer).get("EUR", 0)
    back = sum(refund.amount for refund in Refund.objects.all())
    assert kept + back == 9_000
    assert undecided() == []


# The page


@pytest.fixture
def owner(client, invoice):
    member = MembershipFactory(business=invoice.business, role=Role.OWNER)
    client.force_login(member.user)
    return client


def act(payment, name: str) -> str:
    return reverse(f"admin:billing_heldpayment_{name}", args=[payment.pk])


def test_the_desk_lists_what_waits_with_a_button_for_each_way(owner, held):
    page = owner.get(LIST).content.decode()

    assert "€90.00" in page
    assert "Another amount than was asked for" in page
    assert act(held, "refund") in page
    assert act(held, "keep") in page


def test_a_decision_is_asked_for_taken_and_leaves_the_desk(owner, invoice, held):
    asked = owner.get(act(held, "keep")).content.decode()
    assert "€90.00 becomes the balance of" in asked
    assert undecided() == [9_000]

    said = owner.post(act(held, "keep"), follow=True).context["messages"]

    assert [str(each) for each in said] == [f"€90.00 is kept for {invoice.customer}."]
    assert "€90.00" not in owner.get(LIST).content.decode()
    decided = owner.get(LIST, {"decided": "yes"}).context["cl"].result_list
    assert list(decided) == [HeldPayment.objects.get(pk=held.pk)]
    page = owner.get(reverse("admin:billing_payment_change", args=[held.pk]))
    assert not page.context["actions_detail"]


def test_a_payment_that_fits_is_refunded_and_not_kept(owner, stripe, invoice):
    deliver(stripe, *stripe.pay(start(invoice).session_id))
    page = reverse("admin:billing_payment_change", args=[Payment.objects.get().pk])

    shown = owner.get(page).context["actions_detail"]

    assert [button["title"] for button in shown] == ["Refund"]


def test_viewers_decide_nothing_and_strangers_find_nothing(client, invoice, held):
    for business, status in ((invoice.business, 403), (BusinessFactory(), 404)):
        role = Role.VIEWER if status == 403 else Role.OWNER
        client.force_login(MembershipFactory(business=business, role=role).user)
        for name in ("keep", "refund"):
            assert client.post(act(held, name)).status_code == status
        assert act(held, "keep") not in client.get(LIST).content.decode()
    assert undecided() == [9_000]


# The API


def test_held_money_is_found_and_kept_over_the_api(invoice, held):
    api = in_role(invoice.business, Role.ACCOUNTANT)
    path = f"/api/v1/payments/{held.public_id}/keep/"

    def listed(value: str) -> int:
        return len(api.get("/api/v1/payments/", {"undecided": value}).json()["results"])

    assert (listed("true"), listed("false")) == (1, 0)
    viewer = in_role(invoice.business, Role.VIEWER)
    assert viewer.post(path).status_code == 403
    assert in_role(BusinessFactory(), Role.OWNER).post(path).status_code == 404

    assert api.post(path).json()["id"] == str(held.public_id)

    assert (listed("true"), listed("false")) == (0, 1)
    again = api.post(path)
    assert (again.status_code, again.json()["code"]) == (409, "not_on_the_desk")
