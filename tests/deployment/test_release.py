import pytest
import requests

from deploy import changing, release
from deploy.stage import load
from tests.deployment.stages import (
    Builder,
    account,
    both,
    deploy,
    digest,
    has,
    results,
    rollback,
    serving,
)

pytestmark = pytest.mark.package

CHANGES = {"CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"}


@pytest.fixture(scope="module")
def aws():
    with account() as aws:
        yield aws


@pytest.fixture(scope="module")
def first(aws, tmp_path_factory):
    """The zip of the first release of qa."""
    path = Builder(tmp_path_factory.mktemp("first"))("first")
    deploy("qa", path, commands=changing.MIGRATING)
    return path


@pytest.fixture
def qa(first):
    """The same, served by qa."""
    if not has("qa", first):
        deploy("qa", first)
    return first


@pytest.fixture
def build(tmp_path):
    return Builder(tmp_path)


def test_first_deploy_migrates_before_there_is_a_web_function(aws, qa):
    calls = [action for _, action in aws.calls]

    worker = calls.index("CreateFunction")
    web = calls.index("CreateFunction", worker + 1)

    assert calls[worker:web].count("InvokeFunction") == 3
    assert serving("qa") == both("qa", qa)
    assert requests.get(aws.stage_url("qa") + "/healthz", timeout=9).text == "ok"


def test_first_deploy_tells_both_functions_the_address_they_were_given(aws, qa):
    stage = load("qa")

    addresses = {
        stage.configuration(part)["Environment"]["Variables"]["SITE_URL"]
        for part in stage.parts
    }

    (address,) = addresses
    assert address.endswith(".execute-api.eu-central-1.amazonaws.com/qa")


def test_deploying_what_is_there_changes_nothing(aws, qa):
    record = load("qa").bucket.record("qa")
    before = len(aws.calls)

    progress = deploy("qa", qa)

    assert {action for _, action in aws.calls[before:]} & CHANGES == set()
    assert results(progress).count("nothing to change") == 2
    assert load("qa").bucket.record("qa") == record


def test_what_somebody_changed_by_hand_is_put_right(aws, qa):
    aws.client("lambda").update_function_configuration(
        FunctionName="paymyinvoice-qa-worker", Timeout=3
    )

    progress = deploy("qa", qa)

    assert results(progress).count("updated") == 1
    assert load("qa").configuration("qa_worker")["Timeout"] == 900


def test_failing_migration_leaves_the_web_function_alone(aws, qa, build):
    before = load("qa").configuration("qa")

    with pytest.raises(changing.Failed) as failed:
        deploy("qa", build("locked", fails="migrate --no-input"))

    assert load("qa").configuration("qa") == before
    assert serving("qa") == both("qa", qa)
    assert str(failed.value).startswith(
        "`zappa manage qa_worker migrate --no-input` failed: RuntimeError: Table"
        " invoices_invoice is locked"
    )
    assert f"qa is back on {digest(qa)[:12]}" in str(failed.value)


def test_failing_smoke_test_goes_back_to_the_release_before(aws, qa, build):
    released = load("qa").bucket.record("qa").releases

    with pytest.raises(changing.Failed) as failed:
        deploy("qa", build("broken", **{"/api/v1/posts/": 500}))

    assert serving("qa") == both("qa", qa)
    assert load("qa").bucket.record("qa").releases == released
    assert "/api/v1/posts/ answered 500. qa is back on" in str(failed.value)


def test_rollback_brings_back_zip_and_settings(qa, build, monkeypatch):
    monkeypatch.setenv("INFRA_MAIL_FROM", "next@example.com")
    deploy("qa", build("next"))

    rollback("qa")

    stage = load("qa")
    variables = stage.configuration("qa")["Environment"]["Variables"]
    assert serving("qa") == both("qa", qa)
    assert variables["DEFAULT_FROM_EMAIL"] == "first@example.com"
    assert stage.bucket.record("qa").current.zip == digest(qa)


def test_rollback_needs_a_release_before(aws):
    with pytest.raises(changing.Failed, match="dev has no release before this one"):
        rollback("dev")


def test_status_tells_release_functions_schedules_and_errors(aws, qa, capsys):
    requests.get(aws.stage_url("qa") + "/readyz", timeout=9)

    release.main(["status", "qa"])

    said = dict(
        line.split("  ", 1) for line in capsys.readouterr().out.splitlines() if line
    )
    said = {name: value.strip() for name, value in said.items()}
    assert said["address"] == f"{aws.stage_url('qa')} answers, and so does its database"
    assert said["release"].startswith(f"{digest(qa)[:12]}, commit commit of first")
    assert said["paymyinvoice-qa-worker"].startswith(f"{digest(qa)[:12]}, ")
    assert "config.schedules.tidy_up cron(30 3 * * ? *)" in said["schedules"]
    assert said["warm"].startswith("probably: the latest call was 0 minutes ago")
    assert said["errors"].endswith("in 24 hours")
    assert said["migrations"] == "none is pending"
    assert "unfinished" not in said


def test_status_of_a_stage_that_is_not_deployed_says_so(aws, capsys):
    release.main(["status", "prod"])

    said = capsys.readouterr().out
    assert "none was deployed by `make deploy`" in said
    assert said.count("is not there") == 2
    assert "no: it was never called" in said


def test_logs_are_one_line_an_event_of_both_functions(aws, qa, capsys):
    requests.get(aws.stage_url("qa") + "/healthz", timeout=9)

    release.main(["logs", "qa", "--since", "1d"])

    lines = capsys.readouterr().out.splitlines()
    moments = [line[:19] for line in lines]
    assert moments == sorted(moments)
    assert lines[-1][20:] == "qa INFO Request path=/healthz status=200"
    assert any(line[20:].startswith("qa_worker INFO Ran migrate") for line in lines)
    assert not any("REPORT" in line for line in lines)


def test_manage_runs_a_command_in_the_worker(qa, capsys):
    release.main(["manage", "qa", "reconcile --dry-run"])

    assert "Ran reconcile --dry-run" in capsys.readouterr().out


def test_restart_begins_anew_and_leaves_nothing_to_deploy(qa):
    release.main(["restart", "qa"])

    stage = load("qa")
    for part in stage.parts:
        variables = stage.configuration(part)["Environment"]["Variables"]
        assert "RESTARTED_AT" in variables
        assert stage.has(part, digest(qa), stage.settings)
