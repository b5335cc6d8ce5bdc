from uuid import UUID

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.backends.signals import connection_created
from django.db.models import Count
from django.utils.functional import cached_property

from accounts.models import User
from accounts.prepared import Prepared
from tests.factories import UserFactory


def people(username, pk):
    found = User.objects.filter(username=username, pk__gte=pk)
    return found.order_by("pk").values_list("public_id", "is_staff", "created_at")


@pytest.fixture
def find():
    return Prepared(people, "username", "pk")


@pytest.mark.django_db
def test_each_call_has_the_rows_of_its_values_as_python_has_them(find):
    jo, kim = UserFactory(username="jo"), UserFactory(username="kim", is_staff=True)

    answers = [find(username=name, pk=0) for name in ("jo", "kim", "%s", "jo")]

    assert answers[0] == answers[3] == [(jo.public_id, False, jo.created_at)]
    assert answers[1] == [(kim.public_id, True, kim.created_at)]
    assert answers[2] == find(username="jo", pk=jo.pk + 1) == []
    assert isinstance(answers[0][0][0], UUID)


@pytest.mark.django_db
def test_it_is_one_statement_from_the_first_call_on(find, django_assert_num_queries):
    with django_assert_num_queries(3):
        for _ in range(3):
            find(username="jo", pk=0)


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_new_environment_logs_in_once(monkeypatch):
    # It does not know yet what kind of server it is, which grouping depends on.
    database = connections[connection.alias]
    for known in (database, database.features):
        for name, value in vars(type(known)).items():
            if isinstance(value, cached_property):
                monkeypatch.delitem(vars(known), name, raising=False)
    connection.close()
    logins = []

    def count(**kwargs):
        logins.append(kwargs["connection"])

    connection_created.connect(count)
    counted = User.objects.annotate(posts_written=Count("posts"))
    Prepared(lambda: counted.values_list("pk", "posts_written"))()
    connection_created.disconnect(count)

    assert len(logins) == 1


def id_of_connection():
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONNECTION_ID()")
        return cursor.fetchone()[0]


@pytest.fixture
def cut(django_db_setup):
    """Kills the connection that the test has, as a restarted server would."""
    connection.close()
    elsewhere = connection.copy()

    def kill():
        victim = id_of_connection()
        with elsewhere.cursor() as cursor:
            cursor.execute(f"KILL {victim}")
        # What a new request begins with.
        connection.health_check_done = False
        return victim

    yield kill
    elsewhere.close()
    connection.close()


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_is_replaced(find, cut):
    UserFactory(username="jo")
    victim = cut()

    assert len(find(username="jo", pk=0)) == 1
    assert id_of_connection() != victim


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_transaction_whose_connection_died_is_not_begun_anew(find, cut):
    with transaction.atomic():
        cut()
        with pytest.raises(DatabaseError):
            find(username="jo", pk=0)
        transaction.set_rollback(True)


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_is_not_asked_again(django_assert_num_queries):
    broken = Prepared(people, "username", "pk")
    broken._written = ("SELECT 1 FROM nowhere", ())
    connection.ensure_connection()
    connection.health_check_done = False

    with django_assert_num_queries(1), pytest.raises(Exception, match=r"nowhere"):
        broken(username="jo", pk=0)
