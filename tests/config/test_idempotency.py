"""Idempotency-Key on every POST of the API."""

import re
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from uuid import uuid4

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test.utils import CaptureQueriesContext
from drf_spectacular.generators import SchemaGenerator
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate

from accounts.api import idempotency
from accounts.api.throttles import UserThrottle
from accounts.api.viewsets import GenericViewSet
from accounts.exceptions import LastOwner
from accounts.models import ApiToken, IdempotencyRecord, User
from accounts.services import members, repeating
from invoices.models import CreditNote, Customer
from tests.api import speaking_as
from tests.at_once import at_once
from tests.billing.world import finalized
from tests.factories import (
    CustomerFactory,
    InvoiceFactory,
    InvoiceLineFactory,
    MembershipFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

CUSTOMERS, TOKENS = "/api/v1/customers/", "/api/v1/tokens/"
USERS = "/api/v1/users/"
ACME = {"name": "Acme", "email": "acme@example.com"}
JO = {
    "email": "jo@example.com",
    "username": "jo",
    "full_name": "Jo",
    "password": "a long one, and odd",
    "business_name": "Jo's",
}


def post(client, key="a key", body=ACME, path=CUSTOMERS, **more):
    headers = {"Idempotency-Key": key}
    return client.post(path, body, headers=headers, **more)


def code(response):
    return response.status_code, response.json()["code"]


@pytest.fixture
def ask(api):
    """POSTs as the owner, under a key."""
    return partial(post, api)


def test_what_is_asked_again_is_done_once_and_answered_alike(ask):
    first, again = ask(), ask('"a key"')

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert again["Content-Type"] == first["Content-Type"] == "application/json"
    assert again["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first
    assert Customer.objects.count() == 1


def test_something_else_under_the_same_key_is_unprocessable(ask):
    ask()

    assert code(ask(body=ACME | {"name": "B"})) == (422, "idempotency_key_reused")
    assert Customer.objects.count() == 1


def test_a_key_that_is_none_is_refused(ask):
    response = ask("x" * 256)

    assert code(response) == (400, "invalid_idempotency_key")
    assert "make up a UUID" in response.json()["detail"]
    assert not Customer.objects.exists()


def test_a_key_is_one_person_s_own(ask, business):
    other = MembershipFactory(role="owner").user

    first, theirs = ask(), post(speaking_as(other))

    assert theirs.status_code == 201
    assert theirs.json()["id"] != first.json()["id"]


def test_who_has_not_signed_in_is_told_apart_by_address(run_tasks):
    sign_up = partial(post, APIClient(), body=JO, path=USERS)

    answers = [sign_up(REMOTE_ADDR=f"192.0.2.{part}") for part in (1, 1, 2)]

    run_tasks()
    replayed = ["Idempotent-Replayed" in answer for answer in answers]
    assert replayed == [False, True, False]
    assert User.objects.filter(email=JO["email"]).count() == 1


def test_a_new_token_is_told_again_and_kept_in_no_clear_words(ask):
    first, again = (ask(body={"name": "laptop"}, path=TOKENS) for _ in range(2))

    token = first.json()["token"]
    assert again.json()["token"] == token
    assert ApiToken.objects.count() == 1
    row = IdempotencyRecord.objects.get()
    assert token.encode() not in bytes(row.answer)


def test_what_the_books_refuse_stays_refused_under_the_key(api, ask, business):
    draft = InvoiceFactory(business=business)
    finalize = partial(
        ask, body=None, path=f"/api/v1/invoices/{draft.public_id}/finalize/"
    )
    first = finalize()
    InvoiceLineFactory(invoice=draft)

    assert code(first) == code(finalize()) == (409, "nothing_to_invoice")
    assert first["Content-Type"] == finalize()["Content-Type"]
    assert finalize("another key").status_code == 200


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"body": {"name": ""}}, 400),
        ({"body": JO | {"email": "an@example.com"}, "path": USERS}, 400),
        ({"data": "name=Acme", "content_type": "text/csv"}, 415),
        ({"path": f"/api/v1/invoices/{uuid4()}/finalize/"}, 404),
        ({"path": "/api/v1/members/"}, 405),
        ({"as_viewer": True}, 403),
    ],
)
def test_what_was_wrong_leaves_the_key_as_new(api, business, wrong, status):
    UserFactory(username="jo")
    wrong = dict(wrong)
    viewer = wrong.pop("as_viewer", False)
    client = api
    if viewer:
        client = speaking_as(MembershipFactory(business=business, role="viewer").user)
    if "data" in wrong:
        wrong["body"] = wrong.pop("data")

    assert post(client, **wrong).status_code == status
    assert not IdempotencyRecord.objects.exists()
    assert post(api).status_code == 201


def test_what_passes_by_itself_is_not_refused_for_ever(ask, business, monkeypatch):
    body = {"business": str(business.public_id), "email": "jo@example.com"}
    invite = partial(ask, body=body | {"role": "viewer"}, path="/api/v1/invitations/")

    with monkeypatch.context() as crowded:
        crowded.setattr(members, "INVITATIONS_A_DAY", 0)
        assert code(invite()) == (409, "too_many_invitations")

    assert invite().status_code == 201


def test_who_asks_too_often_is_not_answered_from_before(ask, monkeypatch):
    ask()
    monkeypatch.setattr(UserThrottle, "admits", lambda self, caller: False)

    assert ask().status_code == 429


def test_what_fails_is_undone_and_may_be_asked_again(api, ask):
    class Broken(Exception):
        pass

    def broken(execute, sql, *more):
        if sql.startswith("UPDATE") and "idempotencyrecord" in sql:
            raise Broken
        return execute(sql, *more)

    with connection.execute_wrapper(broken), pytest.raises(Broken):
        ask()

    assert (Customer.objects.count(), IdempotencyRecord.objects.count()) == (0, 0)
    assert ask().status_code == 201


def test_a_script_of_another_origin_may_send_the_key(api, settings):
    settings.CORS_ALLOWED_ORIGINS = [origin := "https://shop.example.com"]
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}

    allowed = api.options(CUSTOMERS, headers=asked)

    assert "idempotency-key" in allowed["Access-Control-Allow-Headers"]


def test_without_a_key_nothing_is_looked_up_or_kept(api):
    with CaptureQueriesContext(connection) as queries:
        api.post(CUSTOMERS, ACME)
        api.get(CUSTOMERS, headers={"Idempotency-Key": "a key"})

    assert not [each for each in queries if "idempotency" in each["sql"].lower()]


class Odd(GenericViewSet[User]):
    """Answers as no view of ours does today."""

    queryset = User.objects.none()
    done = 0

    def pdf(self, request: Request) -> HttpResponse:
        type(self).done += 1
        return HttpResponse(b"%PDF\xff", content_type="application/pdf")

    def nothing(self, request: Request) -> Response:
        type(self).done += 1
        return Response(status=HTTPStatus.NO_CONTENT, headers={"Location": "/there/"})

    def half(self, request: Request) -> Response:
        UserFactory(username="half")
        raise LastOwner("No.")


def asked(action, owner):
    request = APIRequestFactory().post("/", headers={"Idempotency-Key": action})
    force_authenticate(request, owner)
    return Odd.as_view({"post": action})(request)


@pytest.mark.parametrize("action", ["pdf", "nothing"])
def test_an_answer_of_any_kind_is_given_again(owner, action):
    before = Odd.done

    first, again = asked(action, owner), asked(action, owner)

    assert Odd.done == before + 1
    assert (again.status_code, again.content) == (first.status_code, first.content)
    headers = dict(again.items())
    assert headers.pop("Idempotent-Replayed") == "true"
    assert headers == dict(first.items())


def test_what_is_refused_half_way_is_undone_and_stays_refused(owner):
    first, again = asked("half", owner), asked("half", owner)

    assert (first.status_code, first.data["code"]) == (409, "last_owner")
    assert again.content == first.content
    assert not User.objects.filter(username="half").exists()


@pytest.fixture(scope="module")
def posts():
    """Path to operation, of every POST that the API describes."""
    schema = SchemaGenerator().get_schema(public=True)
    return {
        path: methods["post"]
        for path, methods in schema["paths"].items()
        if "post" in methods
    }


@pytest.mark.thorough
def test_every_post_is_described_with_the_key(posts):
    assert len(posts) > 30
    for path, operation in posts.items():
        named = {
            part.get("$ref", "").split("/")[-1] for part in operation["parameters"]
        }
        assert "Idempotency-Key" in named, path
        assert {"409", "422"} <= set(operation["responses"]), path


@pytest.mark.thorough
def test_every_post_honours_the_key(posts, api, owner, business):
    # What is of a customer or an invoice is for who may see that, each time.
    known = {
        "customer_id": CustomerFactory(business=business).public_id,
        "invoice_id": InvoiceFactory(business=business).public_id,
    }

    def answers(path, key, body):
        return post(api, key, body, path)

    for described in posts:
        # A series is of a business and of a kind.
        other = f"{uuid4()}-invoice" if "series" in described else uuid4()
        names = re.findall(r"{(\w+)}", described)
        path = described.format(**{name: known.get(name, other) for name in names})
        asked = APIRequestFactory().post(path, {"a": 1}, format="json")
        repeating.do_once(
            caller=f"user:{owner.public_id}",
            key=path,
            wish=idempotency.wish_of(Request(asked, parsers=[JSONParser()])),
            now=datetime.now(UTC),
            work=lambda: idempotency.packed(HttpResponse(b"kept", status=203)),
        )

        again = answers(path, path, {"a": 1})

        assert (again.status_code, again.content) == (203, b"kept"), described
        assert code(answers(path, path, {"a": 2})) == (422, "idempotency_key_reused")
        assert code(answers(path, " ", {})) == (400, "invalid_idempotency_key")


def credited_in_part(api, invoice, key):
    return post(
        api,
        key,
        {
            "invoice": str(invoice.public_id),
            "lines": [{"position": 0, "quantity": "0.1"}],
            "reason": "Less",
        },
        "/api/v1/credit-notes/",
    )


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_eight_at_once_write_one_credit_note(business, owner):
    invoice = finalized(business=business)

    def ask():
        return credited_in_part(speaking_as(owner), invoice, "a key")

    answers = at_once([ask] * 8)

    made = {answer.content for answer in answers if answer.status_code == 201}
    others = [answer for answer in answers if answer.status_code != 201]
    assert len(made) == CreditNote.objects.count() == 1
    assert all(code(answer) == (409, "idempotency_key_in_use") for answer in others)
    assert all(answer["Retry-After"] == "1" for answer in others)
    assert ask().content in made


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_eight_keys_at_once_of_one_person_wait_for_nobody_in_a_circle(owner):
    def ask():
        client = speaking_as(owner)
        return post(client, str(uuid4()), {"name": "t"}, TOKENS).status_code

    assert at_once([ask] * 8) == [201] * 8
