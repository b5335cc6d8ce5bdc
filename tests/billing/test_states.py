import pytest

from billing.states import (
    ADVICE,
    BACK,
    CHECKOUT_TRANSITIONS,
    DISPUTE_TRANSITIONS,
    INQUIRY,
    LEFT,
    LIVE,
    NOT_OURS_TO_REFUND,
    REFUND_TRANSITIONS,
    UNDECIDED,
    CheckoutStatus,
    DisputeStatus,
    RefundStatus,
    checkout_can_become,
    dispute_can_become,
    refund_can_become,
)


def test_every_status_has_its_transitions():
    assert set(CHECKOUT_TRANSITIONS) == set(CheckoutStatus)
    assert set(REFUND_TRANSITIONS) == set(RefundStatus)
    assert set(DISPUTE_TRANSITIONS) == set(DisputeStatus) == set(ADVICE)


@pytest.mark.parametrize("status", sorted(set(CheckoutStatus) - {CheckoutStatus.PAID}))
def test_money_counts_whatever_we_took_the_attempt_for(status):
    assert checkout_can_become(status, CheckoutStatus.PAID)


@pytest.mark.parametrize("status", CheckoutStatus)
def test_nothing_undoes_a_payment(status):
    assert not checkout_can_become(CheckoutStatus.PAID, status)


@pytest.mark.parametrize("status", sorted(set(CheckoutStatus) - LIVE))
def test_an_attempt_that_is_over_does_not_come_to_life(status):
    assert not CHECKOUT_TRANSITIONS[status] & LIVE


def test_a_failed_refund_stays_failed_and_a_succeeded_one_may_still_fail():
    assert not refund_can_become("failed", RefundStatus.PENDING)
    assert refund_can_become("succeeded", RefundStatus.FAILED)
    assert not refund_can_become("succeeded", RefundStatus.PENDING)


def test_a_status_of_a_refund_is_left_or_back_once_it_is_sent():
    assert set(RefundStatus) - {RefundStatus.REQUESTED} == LEFT | BACK
    assert not LEFT & BACK


def test_a_decision_is_undone_by_an_appeal_or_another_decision_alone():
    undecided = UNDECIDED - {"appeal_needs_response", "appeal_under_review"}
    for decided in ("won", "lost"):
        assert not any(dispute_can_become(decided, status) for status in undecided)
    assert dispute_can_become("lost", DisputeStatus.APPEAL_NEEDS_RESPONSE)
    assert dispute_can_become("appeal_under_review", DisputeStatus.WON)


def test_an_inquiry_may_become_a_dispute_and_no_dispute_an_inquiry():
    assert dispute_can_become("warning_closed", DisputeStatus.NEEDS_RESPONSE)
    for status in sorted(set(DisputeStatus) - INQUIRY):
        assert not any(dispute_can_become(status, asked) for asked in INQUIRY)


def test_a_bank_that_asks_has_nothing_yet():
    assert not INQUIRY & NOT_OURS_TO_REFUND
