import threading
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from functools import partial

import pytest
from django.db import OperationalError, connection

from accounts.exceptions import AnswerLost, KeyReused, StillRunning
from accounts.models import IdempotencyRecord, User
from accounts.services import repeating
from tests.at_once import at_once
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def do(now):
    """Makes a person under a key; the answer is the name."""

    def do(key="a key", **said):
        return repeating.do_once(
            **{"caller": "user:1", "key": key, "wish": b"", "now": now, "work": work}
            | said
        )

    return do


def work():
    return UserFactory().username.encode()


def made():
    return User.objects.count()


def failing(table, error):
    """A hook: the database's answer to a write into the table, the first time."""
    left = [error]

    def hook(execute, sql, *more):
        if left and sql.startswith("INSERT INTO") and table in sql:
            raise left.pop()
        return execute(sql, *more)

    return connection.execute_wrapper(hook)


def test_work_is_done_once_and_its_answer_found(do):
    assert do() is None

    assert do() == User.objects.get().username.encode()
    assert made() == 1


@pytest.mark.parametrize(
    "other", [{"key": "Ä"}, {"key": "A KEY"}, {"caller": "user:2"}]
)
def test_another_key_or_caller_is_another_matter(do, other):
    do()

    assert do(**other) is None
    assert made() == 2


def test_something_else_under_the_same_key_is_refused(do):
    do()

    with pytest.raises(KeyReused):
        do(wish=b"something else")
    assert made() == 1


def test_an_answer_is_kept_for_a_day(do, now):
    do()
    later = now + timedelta(hours=24)

    assert do(now=later - timedelta(seconds=1)) is not None
    assert do(now=later, wish=b"something else") is None
    assert do(now=later, wish=b"something else") is not None
    assert made() == 2


def test_what_the_work_raises_undoes_it_and_leaves_the_key_as_new(do):
    def broken():
        work()
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        do(work=broken)

    assert (made(), IdempotencyRecord.objects.count()) == (0, 0)
    assert do() is None


def test_neither_answer_nor_key_nor_caller_can_be_read_in_the_database(do):
    do("a key", work=lambda: b"pmi_secret")

    row = str(IdempotencyRecord.objects.values().get())
    assert not any(secret in row for secret in ("pmi_secret", "a key", "user:1"))
    assert "pmi_secret" not in str(IdempotencyRecord.objects.get())


def test_what_nobody_can_read_any_more_is_not_done_again(do, settings):
    do()
    settings.SECRET_KEY = "new"

    with pytest.raises(AnswerLost):
        do()
    assert made() == 1


def test_whoever_is_overtaken_looks_again(do):
    looked = []

    def overtake(execute, sql, *more):
        if sql.startswith("INSERT INTO") and "idempotencyrecord" in sql:
            looked.append(sql)
            if len(looked) == 1:
                execute(sql, *more)
        return execute(sql, *more)

    with connection.execute_wrapper(overtake):
        assert do() is None

    assert (len(looked), made()) == (2, 1)


@pytest.mark.parametrize("code", [1205, 1213, 3572])
def test_a_row_that_somebody_else_has_means_that_it_is_being_done(do, code):
    with (
        failing("idempotencyrecord", OperationalError(code, "Locked")),
        pytest.raises(StillRunning),
    ):
        do()

    assert do() is None


def test_a_lost_database_stays_lost(do):
    with (
        failing("idempotencyrecord", OperationalError(2013, "Lost")),
        pytest.raises(OperationalError, match="Lost"),
    ):
        do()


def test_a_deadlock_of_the_work_is_its_own(do):
    with (
        failing("accounts_user", OperationalError(1213, "Deadlock")),
        pytest.raises(OperationalError, match="Deadlock"),
    ):
        do()


def test_old_answers_are_forgotten(do, now):
    do("old")
    do("young", now=now + timedelta(seconds=1))

    forget = partial(repeating.forget_answers, now=now + timedelta(hours=24))
    assert (forget(), forget()) == (1, 0)
    assert do("young") is not None


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_many_at_once_do_it_once(do):
    def ask():
        try:
            return "found" if do() else "done"
        except StillRunning:
            return "running"

    answers = Counter(at_once([ask] * 8))

    assert answers["done"] == made() == 1
    assert do() == User.objects.get().username.encode()


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_who_asks_while_it_is_done_is_told_so_at_once(do):
    begun, asked = threading.Event(), threading.Event()

    def slow():
        begun.set()
        assert asked.wait(10)
        return work()

    def ask():
        assert begun.wait(10)
        try:
            with pytest.raises(StillRunning):
                do(wish=b"something else")
        finally:
            asked.set()

    assert at_once([partial(do, work=slow), ask]) == [None, None]
    assert made() == 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_when_one_of_many_fails_another_does_it(do):
    def broken():
        raise ZeroDivisionError

    def ask(job):
        with suppress(ZeroDivisionError, StillRunning):
            do(work=job)

    at_once([partial(ask, job) for job in (broken, broken, work, broken)])

    assert made() <= 1
    do()
    assert made() == 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_whose_connection_dies_in_the_middle_has_done_nothing(do):
    def killed():
        work()
        with connection.cursor() as cursor:
            cursor.execute("KILL CONNECTION_ID()")
        return b""

    with pytest.raises(OperationalError):
        do(work=killed)
    connection.close()

    assert made() == 0
    assert do() is None
