"""Runs of reconciliation that meet, that are killed, and that come to no end."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.utils import timezone

from billing.exceptions import PaymentPending
from billing.models import Payment, ReconciliationRun
from billing.services.reconciling import reconciling, runs
from billing.services.reconciling.reconciling import Outcome
from billing.services.reconciling.rounds import Round
from tests.at_once import at_once
from tests.billing.world import reconcile, standing, start

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("audited")]

SESSIONS = "/v1/checkout/sessions"
HOUR = timedelta(hours=1)


def run(*, lasts=timedelta(minutes=12), clock=timezone.now, since=None, tell=None):
    result = reconciling.reconcile(
        since=since,
        is_dry=False,
        lasts=lasts,
        clock=clock,
        tell=tell or (lambda line: None),
    )
    return result.outcome


@pytest.fixture
def unheard(stripe, invoice):
    """An invoice that was paid, and nobody told us."""
    stripe.pay(start(invoice).session_id)
    return invoice


@pytest.mark.scenario(62)
@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_of_several_runs_at_once_one_does_it_and_the_others_leave(stripe, unheard):
    outcomes = at_once([run] * 4)

    assert set(outcomes) <= {Outcome.DONE, Outcome.BUSY}
    assert standing(unheard) == ("paid", 10_000, 0, 0)
    assert Payment.objects.count() == 1


@pytest.mark.scenario(62)
@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("died_ago", [None, HOUR])
def test_of_several_that_begin_at_once_one_gets_the_run(stripe, died_ago):
    now = timezone.now()
    if died_ago:
        runs.begin_run(since=None, now=now - died_ago)

    begun = at_once([partial(runs.begin_run, since=None, now=now)] * 4)

    assert [each is None for each in begun].count(False) == 1
    assert ReconciliationRun.objects.count() == 1


@pytest.mark.scenario(62)
def test_a_run_leaves_while_another_is_alive_and_goes_on_for_one_that_was_killed(
    stripe, unheard
):
    killed = runs.begin_run(since=None, now=timezone.now())

    assert reconcile() == (0, "Another process is at it.\n")
    assert run(clock=lambda: timezone.now() + HOUR) == Outcome.DONE

    killed.refresh_from_db()
    assert killed.status == ReconciliationRun.Status.FINISHED
    assert standing(unheard) == ("paid", 10_000, 0, 0)


def test_a_run_that_was_taken_for_dead_stops(stripe, unheard):
    def tell(line):
        ReconciliationRun.objects.update(holder=uuid4())

    assert run(tell=tell) == Outcome.TAKEN_OVER

    assert ReconciliationRun.objects.get().status == ReconciliationRun.Status.RUNNING


def test_a_run_that_was_taken_for_dead_does_not_finish_it_for_the_other(stripe):
    slow = runs.begin_run(since=None, now=timezone.now() - HOUR)
    runs.begin_run(since=None, now=timezone.now())

    runs.finish_run(run=slow, now=timezone.now())

    assert ReconciliationRun.objects.get().status == ReconciliationRun.Status.RUNNING


def test_a_run_shows_that_it_is_alive(stripe, unheard):
    ticks = iter(range(1_000))
    begun = timezone.now()

    def clock():
        return begun + timedelta(seconds=31) * next(ticks)

    def tell(line):
        busy_until.append(ReconciliationRun.objects.get().busy_until)

    busy_until = []
    run(clock=clock, tell=tell, lasts=timedelta(hours=9))

    assert busy_until == sorted(set(busy_until))


def test_out_of_time_it_stops_and_the_next_goes_on(stripe, unheard):
    code, said = reconcile("--minutes", "0")
    paused = ReconciliationRun.objects.get()

    assert code == 2
    assert "The time is up: the next run goes on from here." in said
    assert paused.is_paused(timezone.now())
    assert standing(unheard) == ("open", 0, 0, 0)
    assert reconcile()[0] == 0
    assert ReconciliationRun.objects.get().pk == paused.pk
    assert standing(unheard) == ("paid", 10_000, 0, 0)


def test_the_days_and_checks_that_are_done_are_not_done_again(stripe, unheard):
    run()
    whole = len(stripe.requests)
    ReconciliationRun.objects.all().delete()
    # Killed in the last check.
    now = timezone.now()
    left = runs.begin_run(since=None, now=now - HOUR)
    left.day, left.step = left.until, "balance"
    left.save()
    stripe.requests.clear()

    assert run() == Outcome.DONE

    assert (whole > 10, stripe.requests) == (True, [])


@pytest.mark.parametrize("path", [SESSIONS, "/v1/refunds", "/v1/balance_transactions"])
def test_when_stripe_cannot_be_asked_it_stops_and_the_next_goes_on(
    stripe, unheard, path
):
    # The SDK repeats the call once.
    stripe.fault("GET", path, "500_before", times=2)

    code, said = reconcile()

    assert (code, "Stripe cannot be asked" in said) == (2, True)
    assert reconcile()[0] == 0
    assert standing(unheard) == ("paid", 10_000, 0, 0)


def test_what_could_not_be_asked_for_is_looked_at_by_the_next_run(stripe, unheard):
    stripe.fault("GET", f"{SESSIONS}/", "500_before", times=9)

    code, said = reconcile()

    incomplete = ReconciliationRun.objects.get()
    assert (code, incomplete.status) == (2, "incomplete")
    assert "could not be asked for" in said
    stripe._faults.clear()
    assert reconcile()[0] == 0
    assert ReconciliationRun.objects.latest("pk").since == incomplete.since
    assert standing(unheard) == ("paid", 10_000, 0, 0)


def test_a_day_to_begin_from_abandons_what_another_left(stripe):
    left = runs.begin_run(since=None, now=timezone.now() - HOUR)

    assert run(since=datetime(2026, 1, 1, tzinfo=UTC)) == Outcome.DONE

    left.refresh_from_db()
    assert left.status == ReconciliationRun.Status.ABANDONED
    assert f"{ReconciliationRun.objects.latest('pk').since:%Y-%m-%d}" == "2026-01-01"


def test_the_same_day_to_begin_from_is_gone_on_with(stripe, unheard):
    day = f"{timezone.now():%Y-%m-%d}"
    assert reconcile("--since", day, "--minutes", "0")[0] == 2

    assert reconcile("--since", day)[0] == 0

    assert ReconciliationRun.objects.get().status == "finished"


def test_the_next_run_looks_back_three_days_before_the_last_good_one(stripe):
    reconcile()
    good = ReconciliationRun.objects.get()

    planned = runs.planned_run(since=None, now=timezone.now() + HOUR)

    assert planned.since.date() == (good.until - timedelta(days=3)).date()
    assert planned.events_since == good.until - HOUR


def test_that_stripe_is_away_is_no_finding_about_one_row():
    now = timezone.now()
    round_ = Round(
        runs.begin_run(since=None, now=now),
        is_dry=False,
        clock=timezone.now,
        ends_at=now + HOUR,
        tell=lambda line: None,
    )

    with pytest.raises(PaymentPending), round_.each("refunds", "re_1"):
        raise PaymentPending("Stripe cannot be asked now.")

    assert round_.found == 0
