import pytest

from billing.states import (
    BACK,
    CHECKOUT_TRANSITIONS,
    LEFT,
    LIVE,
    REFUND_TRANSITIONS,
    CheckoutStatus,
    RefundStatus,
    checkout_can_become,
    refund_can_become,
)


def test_every_status_has_its_transitions():
    assert set(CHECKOUT_TRANSITIONS) == set(CheckoutStatus)
    assert set(REFUND_TRANSITIONS) == set(RefundStatus)


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
