import boto3
import pytest
from botocore.stub import Stubber

from deploy import stage as stages
from deploy.bucket import Bucket
from deploy.stage import Stage

COMMON = {"project_name": "paymyinvoice", "aws_region": "eu-central-1"}
UNHANDLED = "Error: Unhandled error occurred while invoking command.\n"
SETTINGS = {"qa": COMMON, "qa_worker": COMMON | {"apigateway_enabled": False}}


@pytest.fixture
def aws(monkeypatch):
    """What AWS is going to say, by service, in order."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setattr(stages, "PAUSE", 0)
    clients = {
        service: boto3.client(service, region_name="eu-central-1")
        for service in ("lambda", "cloudformation")
    }
    monkeypatch.setattr(stages.boto3, "client", lambda service, **_: clients[service])
    stubs = {service: Stubber(client) for service, client in clients.items()}
    for stub in stubs.values():
        stub.activate()
    yield stubs
    for stub in stubs.values():
        stub.assert_no_pending_responses()


@pytest.fixture
def stage():
    return Stage("qa", SETTINGS, "https://qa.example.com", Bucket(None, "zips"))


def say_stack(aws, status):
    if not status:
        aws["cloudformation"].add_client_error("describe_stacks", "ValidationError")
        return
    stack = {"StackName": "s", "CreationTime": "2026-01-01", "StackStatus": status}
    aws["cloudformation"].add_response("describe_stacks", {"Stacks": [stack]})


def test_what_is_still_going_on_in_aws_is_waited_for(aws, stage):
    say_stack(aws, "CREATE_IN_PROGRESS")
    say_stack(aws, "CREATE_COMPLETE")
    for state in (
        {"State": "Pending"},
        {"State": "Active", "LastUpdateStatus": "InProgress"},
        {"State": "Active", "LastUpdateStatus": "Successful"},
    ):
        aws["lambda"].add_response("get_function_configuration", state)

    assert stage._settled("qa")["LastUpdateStatus"] == "Successful"


def test_function_that_is_not_there_is_not_waited_for(aws, stage):
    aws["lambda"].add_client_error(
        "get_function_configuration", "ResourceNotFoundException"
    )

    assert stage._settled("qa_worker") is None


@pytest.mark.parametrize(
    ("status", "half_made"),
    [
        ("", True),
        ("ROLLBACK_COMPLETE", True),
        ("CREATE_FAILED", True),
        ("CREATE_COMPLETE", False),
        ("UPDATE_ROLLBACK_COMPLETE", False),
    ],
)
def test_web_function_is_half_made_without_its_gateway(aws, stage, status, half_made):
    say_stack(aws, status)

    assert stage._is_half_made("qa") is half_made


def test_worker_has_no_gateway_to_miss(aws, stage):
    assert not stage._is_half_made("qa_worker")


def test_what_somebody_may_not_see_is_not_taken_for_missing(aws, stage):
    aws["cloudformation"].add_client_error("describe_stacks", "AccessDenied")
    aws["lambda"].add_client_error("get_function_configuration", "AccessDenied")

    with pytest.raises(stages.ClientError, match="AccessDenied"):
        stage.stack_status("qa")
    with pytest.raises(stages.ClientError, match="AccessDenied"):
        stage.configuration("qa")


@pytest.mark.parametrize(
    ("output", "reason"),
    [
        (
            f"START\n[ERROR] OperationalError: (2003, 'No')\nTraceback\n{UNHANDLED}",
            "OperationalError: (2003, 'No')",
        ),
        (
            f"2026-11-21 Task timed out after 900.00 seconds\n{UNHANDLED}",
            "2026-11-21 Task timed out after 900.00 seconds",
        ),
        (
            f"[ERROR] SystemCheckError: Some:\n?: (mail.E001) Lost.\n{UNHANDLED}",
            "?: (mail.E001) Lost",
        ),
        (
            "[ERROR] CommandFailed: migrate ended with exit code 1.\n",
            "CommandFailed: migrate ended with exit code 1",
        ),
        (
            "Traceback\nbotocore.exceptions.ClientError: No.\n\nLove!,\n ~ Team Zappa!\n",
            "botocore.exceptions.ClientError: No",
        ),
        ("Warning! Something.\n", "Warning! Something"),
        ("", "it said nothing"),
    ],
)
def test_reason_is_the_line_that_names_it(output, reason):
    assert stages._reason(output) == reason
