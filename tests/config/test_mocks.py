"""The sample events of mocks/, which people send by hand."""

import json
from importlib import import_module
from pathlib import Path

import pytest
from django.conf import settings

from config import events, gateway

MOCKS = sorted((Path(settings.BASE_DIR) / "mocks").glob("*.json"))
# What is answered; of events that are not HTTP, what is returned.
ANSWERS = {
    "alb": 200,
    "alb-multi-value": 200,
    "console": 200,
    "function-url": 200,
    "http-api": 200,
    "rest-get": 200,
    "rest-post": 401,
    "stripe-webhook": 400,
    "command": None,
    "keep-warm": None,
    "manage": "System check identified no issues",
    "schedule": None,
    "schedule-reconcile": None,
    "schedule-remind": None,
    "sqs": {"batchItemFailures": []},
}

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("file", MOCKS, ids=lambda file: file.stem)
def test_every_sample_is_handled(file, settings):
    settings.SQS_FUNCTIONS = {"paymyinvoice-dev-tasks": "config.schedules.run_tasks"}
    handler = import_module("config.lambda_handler").handler

    answer = handler(json.loads(file.read_text()), None)

    if answer and "statusCode" in answer:
        answer = answer["statusCode"]
    elif answer and "output" in answer:
        # How many checks are silenced depends on the database.
        answer = answer["output"].partition(" (")[0]
    assert answer == ANSWERS[file.stem]


def test_there_is_a_sample_of_every_kind():
    sent = [json.loads(file.read_text()) for file in MOCKS]

    kinds = {
        gateway.kind_of(event) if gateway.is_http(event) else events.kind_of(event)
        for event in sent
    }

    doors = {"rest-api", "http-api", "function-url", "load-balancer"}
    assert kinds == doors | set(events.HANDLERS)
