"""Whatever is recorded is documented, and whatever is documented is recorded."""

import ast
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils import timezone

from accounts.event_types import OF_BUSINESS, OF_SITE, fits, is_known
from accounts.models import Business, Event, User
from accounts.roles import Role
from accounts.services import endpoints, members, tokens
from accounts.services.attempts import content
from billing.models import Payment
from billing.states import CheckoutStatus, DisputeStatus, RefundStatus
from config.management.commands.load_demo import EMAIL
from config.management.commands.write_reference import pages
from invoices.models import Invoice, LedgerEntry

KNOWN = {**OF_BUSINESS, **OF_SITE}
APPS = ("accounts", "billing", "blog", "config", "invoices")
# What writes an event whose type it is told.
TOLD = {"record_event", "_record"}


def modules():
    for app in APPS:
        for path in (Path(settings.BASE_DIR) / app).rglob("*.py"):
            yield path, ast.parse(path.read_text())


def pattern(node, constants):
    """What a type may be, as a regular expression; None if nobody can tell."""
    if isinstance(node, ast.Name):
        node = constants.get(node.id)
    if isinstance(node, ast.Constant):
        return re.escape(node.value)
    if isinstance(node, ast.IfExp):
        ends = (pattern(node.body, constants), pattern(node.orelse, constants))
        return "|".join(ends)
    if isinstance(node, ast.JoinedStr):
        parts = (getattr(part, "value", None) for part in node.values)
        return "".join(
            re.escape(part) if isinstance(part, str) else "[a-z_]+" for part in parts
        )
    return None


def recorded():
    """Each type that is recorded, as a pattern, and where."""
    for path, tree in modules():
        constants = {
            target.id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign | ast.AnnAssign)
            for target in (
                node.targets if isinstance(node, ast.Assign) else [node.target]
            )
            if isinstance(target, ast.Name)
        }
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                for call, node in told(function):
                    said = pattern(node, constants)
                    # Who records for others is told the type by them, or a part of it.
                    if r"\." in (said or "") or (
                        is_writer(call) and function.name not in TOLD
                    ):
                        yield f"{path}:{call.lineno}", said


def told(function):
    """Calls that write an event, and what each says that the type is."""
    for call in ast.walk(function):
        name = getattr(call, "func", None) and ast.unparse(call.func)
        if name in TOLD or (name and is_writer(call)):
            named = [each.value for each in call.keywords if each.arg == "type"]
            yield call, (named or call.args or [None])[0]


def is_writer(call):
    return ast.unparse(call.func) in {"record_event", "Event.of"}


@pytest.mark.thorough
def test_every_type_that_is_recorded_is_documented_and_no_other():
    found = dict(recorded())

    unknown = [
        place
        for place, said in found.items()
        if not said or not any(re.fullmatch(said, type_) for type_ in KNOWN)
    ]
    assert unknown == [], "Say what it is in accounts/event_types.py."
    unused = [
        type_
        for type_ in KNOWN
        if not any(re.fullmatch(said, type_) for said in found.values())
    ]
    assert unused == []
    assert len(found) > 60


@pytest.mark.parametrize(
    ("form", "values"),
    [
        ("invoice.{}_booked", LedgerEntry.Kind.values),
        ("payment.{}", Payment.Status.values),
        ("refund.{}", RefundStatus.values),
        ("dispute.{}", DisputeStatus.values),
        # Nothing becomes `creating`.
        ("checkout.{}", sorted({*CheckoutStatus.values} - {"creating"})),
    ],
)
def test_whatever_a_thing_can_become_is_documented(form, values):
    assert {form.format(value) for value in values} - set(OF_BUSINESS) == set()


def test_a_webhook_carries_what_is_of_a_business_and_nothing_else():
    assert set(OF_BUSINESS) & set(OF_SITE) == set()
    assert is_known("*")
    assert is_known("invoice.*")
    assert is_known("invoice.paid")
    for wrong in ("", "invoice", "invoice.", "post.*", "invoice*", "*.paid", "i*"):
        assert not is_known(wrong)
    assert fits("invoice.paid", "invoice.*")
    assert not fits("invoices.paid", "invoice.*")


def test_the_reference_lists_every_type():
    page = pages()["events.md"]

    for type_, sentence in KNOWN.items():
        assert f"| `{type_}` | {sentence} |" in page


@pytest.mark.thorough
@pytest.mark.django_db
def test_no_event_carries_what_opens_something(run_tasks):
    """Whoever listens is told what happened, and not how to pay or sign in."""
    call_command("load_demo", verbosity=0)
    business = Business.objects.get(memberships__user__email=EMAIL)
    owner = User.objects.get(email=EMAIL)
    now = timezone.now()
    endpoint = endpoints.create_endpoint(
        business=business,
        actor=owner,
        now=now,
        fields={"url": "https://127.0.0.1/", "types": ["*"]},
    )
    rolled = endpoints.roll_secret(endpoint=endpoint, actor=owner, now=now)
    _, key = tokens.create_token(user=owner, name="Laptop", now=now)
    guest = members.invite_member(
        business=business,
        email="jo@example.com",
        role=Role.VIEWER,
        actor=owner,
        now=now,
    )
    run_tasks()

    told = b"\n".join(content(event) for event in Event.objects.all()).decode()

    invoices = Invoice.objects.exclude(number=None)
    keys = {guest.token, key, endpoint.secret, rolled.secret}
    keys |= set(invoices.values_list("link_token", flat=True))
    assert all(str(each.public_id) in told for each in invoices)
    assert len(keys) > 5
    assert [each for each in keys if str(each) in told] == []
