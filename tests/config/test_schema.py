"""The API's own description."""

import re

import pytest
from django.core.management import call_command
from drf_spectacular.generators import SchemaGenerator
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from rest_framework.test import APIClient

from accounts.api.urls import router as accounts
from billing.api.urls import router as billing
from blog.api.urls import router as blog
from config.description import EXAMPLES
from invoices.api.urls import router as invoices
from tests.rows import OF_BUSINESS, ROWS, webhook_delivery

pytestmark = pytest.mark.thorough


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(public=True)


def test_the_description_is_made_without_a_warning(tmp_path):
    call_command(
        "spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "api.yml")
    )


def test_the_description_is_openapi_3_1(client, db):
    response = client.get("/api/schema/", HTTP_ACCEPT="application/json")

    assert response.status_code == 200
    assert response.data["openapi"] == "3.1.0"
    OpenAPIV31SpecValidator(response.data).validate()


def test_every_resource_is_described(schema):
    described = {path.split("/")[3] for path in schema["paths"]}

    resources = [
        *accounts.registry,
        *blog.registry,
        *invoices.registry,
        *billing.registry,
    ]
    # What belongs to a row is described below it.
    assert described == {prefix.split("/")[0] for prefix, _, _ in resources}


def operations(schema):
    return {
        operation["operationId"]: (method, operation)
        for methods in schema["paths"].values()
        for method, operation in methods.items()
    }


def test_every_operation_says_how_it_may_be_refused(schema):
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    refusals = schema["components"]["responses"].values()
    assert all(
        refusal["content"] == {"application/problem+json": problem}
        for refusal in refusals
    )
    for name, (method, operation) in operations(schema).items():
        wanted = {"401", "429", "500", "503"}
        if method != "get":
            wanted |= {"403", "409"}
        if method == "post":
            wanted |= {"400", "422"}
        assert wanted <= operation["responses"].keys(), name


def test_the_examples_are_what_is_taken(schema):
    found = operations(schema)
    for name, example in EXAMPLES.items():
        content = found[name][1]["requestBody"]["content"]["application/json"]
        assert content["example"] == example
        wanted = {"components": schema["components"], **content["schema"]}
        OAS31Validator(wanted).validate(example)
        known = schema["components"]["schemas"][content["schema"]["$ref"].split("/")[3]]
        assert example.keys() <= known["properties"].keys()


def test_a_plan_comes_whole_and_not_by_the_page(schema):
    plan = operations(schema)["reminder_steps_usual"][1]

    answer = plan["responses"]["201"]["content"]["application/json"]["schema"]
    assert answer["type"] == "array"
    # What else could be asked for is a key to ask again by.
    assert list(plan["parameters"]) == [
        {"$ref": "#/components/parameters/Idempotency-Key"}
    ]


def test_what_is_answered_is_what_is_described(db, schema, api, business):
    for model in {*OF_BUSINESS, "blog.comment", "blog.tag"} - {"invoices.series"}:
        ROWS[model](business)
    webhook_delivery(business)
    found = {
        address: methods["get"]["responses"]
        for address, methods in schema["paths"].items()
        if "get" in methods
    }
    for address, answers in found.items():
        if "{" in address:
            continue
        rows = check(schema, answers, api.get(address, {"page_size": 100}))
        one = next((each for each in found if one_of(address, each)), None)
        for row in rows if one else []:
            key = row[one.removeprefix(address).strip("{}/").removeprefix("public_")]
            check(schema, found[one], api.get(f"{address}{key}/"))
    check(schema, found["/api/v1/users/{username}/"], api.get("/api/v1/users/me/"))
    check(schema, found["/api/v1/customers/"], APIClient().get("/api/v1/customers/"))
    nothing = api.get(f"/api/v1/invoices/{business.public_id}/")
    check(schema, found["/api/v1/invoices/{id}/"], nothing)


def one_of(address, another):
    return re.fullmatch(re.escape(address) + r"\{\w+\}/", another)


def check(schema, answers, response):
    """Hold an answer against what is described; the rows, if it is a list."""
    told = answers[str(response.status_code)]
    if "$ref" in told:
        told = schema["components"]["responses"][told["$ref"].split("/")[3]]
    wanted = told["content"][response["Content-Type"].partition(";")[0]]["schema"]
    body = response.json()
    OAS31Validator({"components": schema["components"], **wanted}).validate(body)
    return body if isinstance(body, list) else body.get("results", [])


def test_the_documentation_is_a_page(client):
    response = client.get("/api/docs/")

    assert response.status_code == 200
    assert b"swagger" in response.content
