import pytest
from django.db import DatabaseError, connection

from accounts.roles import Role
from tests.factories import MembershipFactory


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


def test_a_person_gets_a_page_where_there_is_nothing(client, db):
    response = client.get("/nothing/here/")

    assert response.status_code == 404
    assert "text/html" in response["Content-Type"]


def test_a_script_gets_a_problem_where_there_is_nothing(client):
    response = client.get("/api/v1/nothing/")

    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["code"] == "not_found"


@pytest.mark.parametrize(
    ("role", "says"),
    [
        (Role.VIEWER, "Ask an owner of the business whether another one would."),
        (Role.OWNER, "No role opens this page to you"),
    ],
)
@pytest.mark.django_db
def test_who_is_refused_is_told_what_is_true_for_them(client, business, role, says):
    client.force_login(MembershipFactory(business=business, role=role).user)

    response = client.get("/admin/accounts/user/")

    assert response.status_code == 403
    assert says in response.text
    assert ("an owner" in response.text) == (role != Role.OWNER)
