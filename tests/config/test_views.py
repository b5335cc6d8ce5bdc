import pytest
from django.db import DatabaseError, connection


def test_healthz_asks_nothing_of_the_database(client):
    response = client.get("/healthz")

    assert (response.status_code, response.content) == (200, b"ok")


@pytest.mark.django_db
def test_readyz_is_ok_while_the_database_answers(client):
    assert client.get("/readyz").content == b"ok"


@pytest.mark.django_db
def test_readyz_says_that_the_database_does_not_answer(client):
    def refuse(*args):
        raise DatabaseError

    with connection.execute_wrapper(refuse):
        response = client.get("/readyz")

    assert (response.status_code, response.content) == (
        503,
        b"The database does not answer.",
    )
