"""What a person must decide on: kept once, told once, ended by a person or a later run."""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.tasks import TaskContext, task

from accounts.models import Business, User
from accounts.services.events import record_event
from billing import emails
from billing.exceptions import AlreadySettled
from billing.models import NOTE_LENGTH, ReconciliationFinding, ReconciliationRun
from invoices.models import Invoice


@transaction.atomic
def keep_finding(
    *,
    run: ReconciliationRun,
    check: str,
    subject: str,
    words: str,
    invoice: Invoice | None,
    about: datetime | None,
    now: datetime,
) -> ReconciliationFinding:
    """
    Keep what a run found. Seen again, it is the same row. One that was over is open
    again; one that a person settled, only if it says something else now.
    """
    finding, is_new = ReconciliationFinding.objects.select_for_update().get_or_create(
        check_name=check,
        subject=subject,
        defaults={
            "words": words,
            "run": run,
            "invoice": invoice,
            "business": invoice.business if invoice else None,
            "about": about,
            "first_seen_at": now,
            "seen_at": now,
        },
    )
    is_back = finding.ended_at and (not finding.note or finding.words != words)
    if is_back:
        finding.ended_at = finding.told_at = finding.settled_by = None
        finding.note = ""
    if not is_new:
        finding.run, finding.words, finding.seen_at = run, words, now
        finding.save()
    if is_new or is_back:
        _record("found", finding, None, now)
    return finding


@transaction.atomic
def settle_finding(
    *, finding: ReconciliationFinding, note: str, actor: User, now: datetime
) -> ReconciliationFinding:
    """
    Note what a person did about it.

    :param note: what was done, not empty
    :raises AlreadySettled: if it is over
    """
    finding = ReconciliationFinding.objects.select_for_update().get(pk=finding.pk)
    if finding.ended_at:
        raise AlreadySettled("This is over already: there is nothing left to settle.")
    finding.ended_at, finding.settled_by = now, actor
    finding.note = note[:NOTE_LENGTH]
    finding.save(update_fields=["ended_at", "settled_by", "note"])
    _record("settled", finding, actor, now)
    return finding


def _record(
    what: str, finding: ReconciliationFinding, actor: User | None, now: datetime
) -> None:
    record_event(
        type=f"reconciliation.{what}",
        subject=finding,
        business=finding.business,
        actor=actor,
        now=now,
        data={
            "check": finding.check_name,
            "subject": finding.subject,
            "words": finding.words,
            "invoice": finding.invoice.number if finding.invoice else None,
            "note": finding.note,
        },
    )


def end_unseen(*, run: ReconciliationRun, now: datetime) -> None:
    """What the run looked at and found in order is over."""
    looked_at = Q(about=None) | Q(about__gte=run.since, about__lt=run.until)
    unseen = ReconciliationFinding.objects.open().filter(looked_at).exclude(run=run)
    unseen.update(ended_at=now)


def count_open() -> int:
    return ReconciliationFinding.objects.open().count()


def tell_new(*, now: datetime) -> None:
    """
    Mail each business what is new about it, and operators what is nobody's. Call it in
    the transaction that ends a run: a finding is told once.
    """
    new = ReconciliationFinding.objects.open().filter(told_at=None)
    for business_id in new.order_by().values_list("business", flat=True).distinct():
        ids = list(new.filter(business=business_id).values_list("pk", flat=True))
        _mail.enqueue(business_id=business_id, finding_ids=ids)
    new.update(told_at=now)


@task(takes_context=True)
def _mail(
    context: TaskContext[[int | None, list[int]], None],
    business_id: int | None,
    finding_ids: list[int],
) -> None:
    key = context.task_result.id
    findings = ReconciliationFinding.objects.filter(pk__in=finding_ids)
    shown = list(findings.select_related("invoice").order_by("pk"))
    if business_id is not None:
        business = Business.objects.get(pk=business_id)
        emails.money_to_look_at(shown, to=[business.email], key=key)
        return
    operators = User.objects.filter(is_superuser=True, is_active=True).exclude(email="")
    to = list(operators.order_by("pk").values_list("email", flat=True))
    if to:
        emails.money_to_look_at(shown, to=to, key=key)
