from itertools import product

import pytest

from invoices.exceptions import InvalidTransition
from invoices.states import (
    PAYABLE,
    TRANSITIONS,
    InvoiceStatus,
    check_draft,
    check_transition,
)

DRAFT, OPEN, PAID, VOID, UNCOLLECTIBLE = InvoiceStatus
ALLOWED = {
    (DRAFT, OPEN),
    (OPEN, PAID),
    (OPEN, VOID),
    (OPEN, UNCOLLECTIBLE),
    (PAID, OPEN),
    (UNCOLLECTIBLE, PAID),
    (UNCOLLECTIBLE, VOID),
}


def test_every_status_has_its_transitions():
    assert set(TRANSITIONS) == set(InvoiceStatus)


@pytest.mark.parametrize(("current", "new"), sorted(ALLOWED))
def test_check_transition_allows_the_moves_of_the_table(current, new):
    check_transition(current.value, new)


@pytest.mark.parametrize(
    ("current", "new"), sorted({*product(InvoiceStatus, InvoiceStatus)} - ALLOWED)
)
def test_check_transition_refuses_every_other_move(current, new):
    with pytest.raises(InvalidTransition) as refused:
        check_transition(current.value, new)

    assert str(refused.value) == (
        f"This invoice is {current.label.lower()} already."
        if current == new
        else f"This invoice is {current.label.lower()} "
        f"and cannot become {new.label.lower()}."
    )


def test_check_draft_allows_a_draft_only():
    check_draft(DRAFT.value)

    for status in set(InvoiceStatus) - {DRAFT}:
        with pytest.raises(InvalidTransition, match="only a draft can be changed"):
            check_draft(status.value)


def test_what_is_payable_can_become_paid():
    assert {
        status for status in InvoiceStatus if PAID in TRANSITIONS[status]
    } == PAYABLE


def test_void_is_final():
    assert {status for status in InvoiceStatus if not TRANSITIONS[status]} == {VOID}
