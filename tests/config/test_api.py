"""Refusals as RFC 9457 problems, through a real view."""

from base64 import b64encode

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.decorators import (
    api_view,
    authentication_classes,
    permission_classes,
)
from rest_framework.response import Response
from rest_framework.test import APIClient, APIRequestFactory

from accounts.exceptions import LastOwner
from invoices.exceptions import UnknownCurrency


def answer(error):
    @api_view()
    @authentication_classes([])
    @permission_classes([])
    def view(request):
        if error:
            raise error
        return Response("fine")

    response = view(APIRequestFactory().get("/"))
    response.render()
    return response


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (LastOwner("No."), 409, "last_owner"),
        (UnknownCurrency("No."), 400, "unknown_currency"),
        (ValidationError({"name": ["No."]}), 400, "invalid"),
        (exceptions.ValidationError({"name": ["No."]}), 400, "invalid"),
        (exceptions.ParseError(), 400, "parse_error"),
        (exceptions.NotAuthenticated(), 403, "not_authenticated"),
        (exceptions.MethodNotAllowed("GET"), 405, "method_not_allowed"),
        (Http404(), 404, "not_found"),
        (PermissionDenied(), 403, "permission_denied"),
    ],
)
def test_a_refusal_is_a_problem_with_a_stable_code(error, status, code):
    response = answer(error)

    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert (response.data["status"], response.data["code"]) == (status, code)
    assert response.data["detail"]


def test_wrong_input_names_each_field():
    assert answer(ValidationError({"name": ["Too long."]})).data["errors"] == {
        "name": ["Too long."]
    }


def test_wrong_input_as_a_whole_has_its_messages():
    assert answer(ValidationError("Out of order.")).data["errors"] == {
        "non_field_errors": ["Out of order."]
    }


def test_a_throttled_caller_is_told_when_to_come_again():
    response = answer(exceptions.Throttled(wait=7))

    assert (response.status_code, response["Retry-After"]) == (429, "7")


def test_what_nobody_foresaw_stays_an_error():
    with pytest.raises(ZeroDivisionError):
        answer(ZeroDivisionError())


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b'{"email": ', "JSON parse error - Expecting value"),
        (b'{"email": "\xff"}', "JSON parse error - 'utf-8' codec can't decode"),
        (b"[" * 100_000, "This JSON is nested too deep."),
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(body, sentence):
    response = APIClient().post("/api/v1/users/", body, content_type="application/json")

    assert (response.status_code, response.data["code"]) == (400, "parse_error")
    assert sentence in response.data["detail"]


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["name", "currency", "tax_rounding"])
def test_half_a_surrogate_pair_is_named_as_wrong(api, field):
    body = b'{"name": "Studio", "%s": "\\ud800"}' % field.encode()

    response = api.post("/api/v1/businesses/", body, content_type="application/json")

    assert response.status_code == 400
    assert list(response.json()["errors"]) == [field]


@pytest.mark.django_db
@pytest.mark.parametrize("position", ["abc", "", "1.5", "\0", "-1"])
def test_a_cursor_that_no_page_named_is_refused(api, position):
    cursor = b64encode(f"p={position}".encode()).decode()

    response = api.get("/api/v1/customers/", {"cursor": cursor})

    assert (response.status_code, response.data["code"]) == (404, "not_found")
    assert response.data["detail"] == "Invalid cursor"
