import logging
from contextlib import suppress
from types import SimpleNamespace

import pytest
from django.core.management import CommandError
from django.db import connection

from config import invocations
from config.events import UnroutableEvent
from tests.config.shapes import Sent, rest_api

pytestmark = pytest.mark.django_db(transaction=True)

CONTEXT = SimpleNamespace(aws_request_id="e1a9")
TOKEN = "ntOpH_Dl11sK1_9j5uA0RJxYJqCbzKgj"


@pytest.fixture
def call(transactional_db, caplog, settings):
    """Sends an event to the handler; what was told of it."""
    # Imported here: it loads Django as a stage does, and wants the database for that.
    from config.lambda_handler import handler  # noqa: PLC0415 - as said above

    settings.ALLOWED_HOSTS = ["pay.example.com"]
    caplog.set_level(logging.INFO)

    def tell(event):
        caplog.clear()
        with suppress(CommandError, UnroutableEvent):
            handler(event, CONTEXT)
        (record,) = [r for r in caplog.records if r.name == "config.invocations"]
        return record

    return tell


def get(path):
    return rest_api(Sent(path=path))


def test_a_request_is_told_by_its_route(call):
    told = call(get("/readyz"))

    assert (told.kind, told.method, told.route, told.status) == (
        "rest-api",
        "GET",
        "readyz",
        200,
    )
    assert told.getMessage().startswith("rest-api GET /readyz 200: ")
    assert told.stage == "laptop"


def test_queries_are_counted_and_timed(call):
    # Opening a connection takes a statement of its own on MySQL.
    call(get("/readyz"))

    told = call(get("/readyz"))

    assert told.queries == 1
    assert 0 < told.database_ms <= told.duration_ms


def test_queries_of_an_event_that_is_not_http_are_counted(call, settings):
    settings.KEEP_WARM_DATABASE = True
    rule = "arn:aws:events:x:1:rule/a-handler.keep_warm_callback"
    event = {"detail-type": "Scheduled Event", "resources": [rule]}
    call(event)

    told = call(event)

    assert (told.kind, told.queries) == ("keep-warm", 1)
    assert told.getMessage().startswith("keep-warm done: ")


def test_nothing_is_counted_after_the_call(call):
    call(get("/readyz"))

    assert connection.execute_wrappers == []


def test_a_secret_link_is_in_no_field(call):
    told = call(get(f"/i/{TOKEN}/"))

    assert told.status == 404
    assert TOKEN not in str(vars(told))
    assert told.route == "i/<str:token>/"


def test_an_address_that_leads_nowhere_has_no_route(call):
    told = call(get("/nothing/here/"))

    assert (told.route, told.status, told.client_errors) == (None, 404, 1)


@pytest.mark.parametrize(
    ("status", "client", "server"),
    [(200, 0, 0), (302, 0, 0), (400, 1, 0), (499, 1, 0), (500, 0, 1), (503, 0, 1)],
)
def test_errors_are_counted_by_whose_they_are(caplog, status, client, server):
    caplog.set_level(logging.INFO)

    with invocations.recorded(None) as invocation:
        invocation.status = status

    (told,) = caplog.records
    assert (told.client_errors, told.server_errors) == (client, server)
    assert told.levelname == "INFO"


def test_an_event_that_fails_is_told_with_its_traceback(call):
    told = call({"manage": "nonsense"})

    assert (told.levelname, told.kind, told.server_errors) == ("ERROR", "manage", 1)
    assert told.getMessage().startswith("manage failed: ")
    assert told.exc_info[0] is CommandError


def test_an_event_that_nobody_handles_is_told(call):
    told = call({"surprise": True})

    assert told.kind == "unroutable"
    assert told.exc_info[0] is UnroutableEvent


def test_the_first_call_is_the_cold_one(call):
    invocations.initialized(0.4567)

    cold, warm = call(get("/healthz")), call(get("/healthz"))

    assert (cold.cold, cold.init_ms) == (1, 456.7)
    assert (warm.cold, hasattr(warm, "init_ms")) == (0, False)


def test_every_metric_is_in_the_line_and_stage_is_the_only_dimension(call):
    invocations.initialized(0.1)
    told = call(get("/healthz"))

    (directive,) = told._aws["CloudWatchMetrics"]
    named = [metric["Name"] for metric in directive["Metrics"]]
    assert directive["Dimensions"] == [["stage"]]
    assert set(named) == set(invocations.METRICS)
    assert all(isinstance(getattr(told, name), int | float) for name in named)


def test_metrics_are_few_because_each_costs():
    assert len(invocations.METRICS) <= 8
