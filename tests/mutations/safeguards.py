"""What keeps money right, how each is taken away, and which tests are to notice."""

from collections.abc import Sequence
from typing import Final, NamedTuple


class Safeguard(NamedTuple):
    """
    :param removal: file to what is written there and what takes its place
    :param tests: what is run without it; at least one must turn red
    """

    name: str
    removed: str
    removal: tuple[str, str, str]
    tests: tuple[str, ...]

    @property
    def is_in_database(self) -> bool:
        """Whether what is removed was written into the database by migrations."""
        file = self.removal[0]
        return "/migrations/" in file or file in {
            "accounts/fields.py",
            "invoices/guards.py",
        }


BILLING: Final = "billing/services"
TESTS: Final = "tests/billing"

SAFEGUARDS: Final[Sequence[Safeguard]] = (
    Safeguard(
        "Whoever moves money of an invoice locks it",
        "the lock, of all services",
        (
            "invoices/services/locking.py",
            "return Invoice.objects.select_for_update().get(pk=invoice_id)",
            "return Invoice.objects.get(pk=invoice_id)",
        ),
        (f"{TESTS}/test_concurrency.py",),
    ),
    Safeguard(
        "A dispute too locks its invoice first",
        "the lock in which a dispute is booked",
        (
            f"{BILLING}/disputing.py",
            "    invoice = lock_invoice_of(payment)\n    dispute = _open(",
            "    invoice = payment.invoice\n    dispute = _open(",
        ),
        (f"{TESTS}/test_concurrency.py", f"{TESTS}/test_disputing.py"),
    ),
    Safeguard(
        "A PaymentIntent is one payment",
        "the unique column",
        (
            "billing/migrations/0001_initial.py",
            "('payment_intent', accounts.fields.ExactCharField(max_length=255, unique=True))",
            "('payment_intent', accounts.fields.ExactCharField(max_length=255))",
        ),
        (f"{TESTS}/test_models.py",),
    ),
    Safeguard(
        "A session is one attempt to pay",
        "the unique column",
        (
            "billing/migrations/0001_initial.py",
            "('session_id', accounts.fields.ExactCharField(max_length=255, null=True, unique=True))",
            "('session_id', accounts.fields.ExactCharField(max_length=255, null=True))",
        ),
        (f"{TESTS}/test_models.py",),
    ),
    Safeguard(
        "An invoice has one live attempt to pay",
        "the unique column of its slot",
        (
            "billing/migrations/0001_initial.py",
            "('open_slot', models.BigIntegerField(editable=False, null=True, unique=True))",
            "('open_slot', models.BigIntegerField(editable=False, null=True))",
        ),
        (f"{TESTS}/test_models.py",),
    ),
    Safeguard(
        "One cause sends money back once",
        "the unique column",
        (
            "billing/migrations/0001_initial.py",
            "('cause', accounts.fields.ExactCharField(blank=True, max_length=255, null=True, unique=True))",
            "('cause', accounts.fields.ExactCharField(blank=True, max_length=255, null=True))",
        ),
        (f"{TESTS}/test_models.py",),
    ),
    Safeguard(
        "A fact is in the ledger once",
        "the unique pair of kind and source",
        (
            "invoices/migrations/0001_initial.py",
            "models.UniqueConstraint(fields=('kind', 'source'), name='ledger_entry_written_once')",
            "models.UniqueConstraint(fields=('kind', 'source', 'id'), name='ledger_entry_written_once')",
        ),
        ("tests/invoices/test_models.py",),
    ),
    Safeguard(
        "Ids that differ in case are two",
        "the binary collation",
        (
            "accounts/fields.py",
            'parameters["collation"] = "utf8mb4_bin"',
            'parameters["collation"] = "utf8mb4_general_ci"',
        ),
        (f"{TESTS}/test_concurrency.py", "tests/accounts/test_fields.py"),
    ),
    Safeguard(
        "A session asked for again is the same one",
        "the idempotency key",
        (
            "billing/gateway/sessions.py",
            ', {"idempotency_key": f"cs-{key}"}',
            "",
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "A refund asked for again is the same one",
        "the idempotency key",
        (
            "billing/gateway/refunds.py",
            '            {"idempotency_key": f"re-{key}"},\n',
            "",
        ),
        (f"{TESTS}/test_refunding.py",),
    ),
    Safeguard(
        "When Stripe has forgotten the key, the refund is looked for",
        "the look",
        (
            f"{BILLING}/refunding.py",
            "    if not is_key_known and (",
            "    if False and (",
        ),
        (f"{TESTS}/test_refunding.py",),
    ),
    Safeguard(
        "What was charged is what was asked for",
        "the comparison of amounts",
        (
            f"{BILLING}/settling.py",
            "Payment.Problem.AMOUNT: session.charged != asked",
            "Payment.Problem.AMOUNT: False",
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "It is in the invoice's currency",
        "the comparison of currencies",
        (
            f"{BILLING}/settling.py",
            "Payment.Problem.CURRENCY: session.currency != invoice.currency",
            "Payment.Problem.CURRENCY: False",
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "Test money is not taken for real",
        "the comparison of modes",
        (
            f"{BILLING}/settling.py",
            "Payment.Problem.LIVEMODE: session.livemode != is_live()",
            "Payment.Problem.LIVEMODE: False",
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "No more is sent back than is left",
        "the ceiling of refunds",
        (
            f"{BILLING}/refunding.py",
            "    if not 0 < amount <= left:\n",
            "    if amount <= 0:\n",
        ),
        (f"{TESTS}/test_refunding.py",),
    ),
    Safeguard(
        "What was kept for a customer goes with what the payer has again",
        "what is taken back",
        (
            f"{BILLING}/keeping.py",
            "    missing = _missing(row, invoice)\n",
            "    missing = 0\n",
        ),
        (f"{TESTS}/test_keeping.py",),
    ),
    Safeguard(
        "No more of it is taken back than is there",
        "the customer's balance as its bound",
        (
            f"{BILLING}/keeping.py",
            "min(-payment.left, payment.kept, there)",
            "min(-payment.left, payment.kept)",
        ),
        (f"{TESTS}/test_keeping.py",),
    ),
    Safeguard(
        "An event counts as processed after the work",
        "the order: it is marked first",
        (
            f"{BILLING}/events.py",
            "        note = act(record.object_id, now)\n",
            (
                '        _mark(record, StripeEvent.Status.PROCESSED, "", now)\n'
                "        note = act(record.object_id, now)\n"
            ),
        ),
        (f"{TESTS}/test_scenarios.py", f"{TESTS}/test_events.py"),
    ),
    Safeguard(
        "Work that failed is answered with 500",
        "the failure: it is answered with 200",
        (
            "billing/webhooks.py",
            "    events.receive_event(event=event, now=now)\n",
            (
                "    try:\n        events.receive_event(event=event, now=now)\n"
                "    except Exception:\n        pass\n"
            ),
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "A webhook is signed by Stripe",
        "the refusal of a wrong signature",
        (
            "billing/gateway/webhooks.py",
            "        return False\n    return True\n",
            "        return True\n    return True\n",
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "A signature is good for five minutes",
        "the tolerance: ten years",
        (
            "billing/gateway/webhooks.py",
            "_OLDEST_SIGNATURE: Final = timedelta(minutes=5)",
            "_OLDEST_SIGNATURE: Final = timedelta(days=3650)",
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "A signature is not of the future",
        "the refusal beyond ten minutes",
        (
            "billing/gateway/webhooks.py",
            "    if moment(signed_at) > now + _FURTHEST_AHEAD:\n",
            "    if False:\n",
        ),
        (f"{TESTS}/gateway/test_webhooks.py",),
    ),
    Safeguard(
        "A mail's task is written with what causes it",
        "the common transaction: written after the commit",
        (
            f"{BILLING}/settling.py",
            "        _mail_receipt.enqueue(payment_id=payment.pk)\n",
            (
                "        transaction.on_commit(\n"
                "            lambda: _mail_receipt.enqueue(payment_id=payment.pk)\n"
                "        )\n"
            ),
        ),
        (f"{TESTS}/test_scenarios.py",),
    ),
    Safeguard(
        "Who asks twice at once under one Idempotency-Key is told so",
        "the lock of the key's row",
        (
            "accounts/services/repeating.py",
            "IdempotencyRecord.objects.select_for_update(nowait=True)",
            "IdempotencyRecord.objects.all()",
        ),
        ("tests/accounts/services/test_repeating.py",),
    ),
    Safeguard(
        "What was done under an Idempotency-Key is answered again",
        "the answer that was kept",
        (
            "accounts/services/repeating.py",
            "            if record.answer and record.is_kept(now):\n",
            "            if False:\n",
        ),
        ("tests/accounts/services/test_repeating.py",),
    ),
    Safeguard(
        "A button does what its page said",
        "the comparison with what it would say now",
        (
            "accounts/admin/confirming.py",
            "        if request.POST.get(SAID, says) != says:\n",
            "        if False:\n",
        ),
        ("tests/invoices/admin/test_buttons.py", "tests/invoices/admin/test_paying.py"),
    ),
    Safeguard(
        "The ledger is not rewritten",
        "the guard in the database",
        (
            "invoices/guards.py",
            '    "invoices_ledgerentry": Rule(',
            '    "invoices_no_such_table": Rule(',
        ),
        ("tests/invoices/test_guards.py",),
    ),
)
