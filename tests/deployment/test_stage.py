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
    done = {"State": "Active", "LastUpdateStatus": "Successful"}
    for status, state in (
        ("CREATE_IN_PROGRESS", done),
        ("CREATE_COMPLETE", {"State": "Pending"}),
        ("CREATE_COMPLETE", {"State": "Active", "LastUpdateStatus": "InProgress"}),
        ("CREATE_COMPLETE", done),
    ):
        say_stack(aws, status)
        aws["lambda"].add_response("get_function_configuration", state)

    assert stage._settled("qa")["LastUpdateStatus"] == "Successful"


def test_what_never_ends_is_not_waited_for_for_ever(aws, stage, monkeypatch):
    monkeypatch.setattr(stages, "PATIENCE", -1)
    say_stack(aws, "UPDATE_IN_PROGRESS")
    aws["lambda"].add_response("get_function_configuration", {"State": "Active"})

    with pytest.raises(stages.ZappaFailed, match="still busy with paymyinvoice-qa"):
        stage._settled("qa")


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
        ("REVIEW_IN_PROGRESS", True),
        ("CREATE_COMPLETE", False),
        ("UPDATE_ROLLBACK_COMPLETE", False),
        # These have a gateway that people use.
        ("UPDATE_ROLLBACK_FAILED", False),
        ("UPDATE_FAILED", False),
        ("DELETE_FAILED", False),
    ],
)
def test_web_function_is_half_made_without_its_gateway(stage, status, half_made):
    assert stage._is_half_made("qa", status) is half_made


@pytest.mark.parametrize("status", ["UPDATE_ROLLBACK_FAILED", "DELETE_FAILED"])
def test_gateway_that_cannot_be_changed_is_left_to_serve(aws, status, monkeypatch):
    bucket = Bucket(None, "zips")
    monkeypatch.setattr(bucket, "zip_address", "s3://zips/{}".format)
    stage = Stage("qa", SETTINGS, "https://qa.example.com", bucket)
    monkeypatch.setattr(Stage, "zappa", lambda *_, **__: pytest.fail("Zappa was asked"))
    say_stack(aws, status)
    aws["lambda"].add_response("get_function_configuration", {"State": "Active"})
    say_stack(aws, status)

    with pytest.raises(stages.ZappaFailed, match=f"paymyinvoice-qa is {status}"):
        stage.install("qa", "0" * 64, SETTINGS)


def test_worker_has_no_gateway_to_miss(stage):
    assert not stage._is_half_made("qa_worker", "")
    assert stage._is_whole("qa_worker", "")


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
