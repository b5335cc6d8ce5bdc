"""Deploys that end in the middle, that meet, and the end of a stage."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager

import pytest

from deploy import changing, release, smoke
from deploy.bucket import Busy
from deploy.progress import Progress
from deploy.stage import ROOT, load
from tests.deployment.stages import (
    Builder,
    account,
    both,
    deploy,
    digest,
    has,
    results,
    serving,
)

pytestmark = pytest.mark.package

DATA = {"DeleteBucket", "DeleteDBInstance", "DeleteLogGroup", "DeleteSecret"}


@pytest.fixture(scope="module")
def aws():
    with account() as aws:
        yield aws


@pytest.fixture(scope="module")
def zips(tmp_path_factory):
    build = Builder(tmp_path_factory.mktemp("zips"))
    return build("first"), build("second")


@pytest.fixture
def dev(aws, zips):
    """A stage with its second release."""
    for path in zips:
        if not has("dev", zips[1]):
            deploy("dev", path)
    return zips[1]


class Interrupted(Progress):
    """As by a person at the keyboard, once a certain step is done."""

    def __init__(self, after: str) -> None:
        super().__init__()
        self._after = after

    @contextmanager
    def step(self, name):
        with super().step(name) as step:
            yield step
        if name.startswith(self._after):
            raise KeyboardInterrupt


def test_deploy_interrupted_after_any_step_goes_on_from_there(aws, zips):
    steps = ("upload", "paymyinvoice-prod-worker", "migrations", "paymyinvoice-prod:")
    for step in steps:
        with pytest.raises(KeyboardInterrupt):
            deploy("prod", zips[0], Interrupted(after=step))

    # Its address is known by now, and both functions are told; then nothing is left.
    assert results(deploy("prod", zips[0])).count("updated") == 2
    assert results(deploy("prod", zips[0])).count("nothing to change") == 2
    assert serving("prod") == both("prod", zips[0])
    assert len(load("prod").bucket.record("prod").releases) == 1


def test_first_deploy_that_got_no_gateway_is_made_anew(aws, zips):
    stage = load("dev")
    stage.bucket.keep_zip(zips[0])
    without = {"dev": stage.settings["dev"] | {"apigateway_enabled": False}}
    source = stage.bucket.zip_address(digest(zips[0]))
    stage.zappa("deploy", "dev", "--zip", source, settings=without)

    progress = deploy("dev", zips[0])

    assert "made anew" in results(progress)


def test_second_deploy_at_once_is_refused(aws, zips):
    with (
        changing.hold(load("dev"), Progress()),
        pytest.raises(Busy, match="has been changing dev since"),
    ):
        deploy("dev", zips[0])


def test_stopped_rollback_lets_go_and_a_killed_one_is_unlocked(dev, zips):
    assert end_in_the_middle(signal.SIGTERM) == release.INTERRUPTED
    assert end_in_the_middle(signal.SIGKILL) == -signal.SIGKILL
    with pytest.raises(SystemExit, match="make unlock STAGE=dev"):
        release.main(["rollback", "dev"])

    release.main(["unlock", "dev"])
    release.main(["rollback", "dev"])

    assert serving("dev") == both("dev", zips[0])


def test_release_that_does_not_answer_any_more_does_not_count(dev, monkeypatch):
    def silent(*_: object) -> None:
        raise smoke.Unhealthy("Nothing answers.")

    monkeypatch.setattr(changing.Change, "install", lambda *_: "updated")
    monkeypatch.setattr(changing.Change, "ask", silent)
    before = load("dev").bucket.record("dev")

    with pytest.raises(SystemExit, match="Nothing answers"):
        release.main(["rollback", "dev"])

    assert load("dev").bucket.record("dev") == before


def end_in_the_middle(number: signal.Signals) -> int:
    """Send the signal to a rollback of dev that is changing a function."""
    bucket = load("dev").bucket
    command = [sys.executable, "-m", "deploy.release", "rollback", "dev"]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as run:
        assert run.stdout
        assert "paymyinvoice-dev:" in run.stdout.readline()
        while bucket.record("dev").installed["dev"]["zip"]:
            assert run.poll() is None
        # A person stops the program; a machine that goes down stops Zappa with it.
        (os.kill if number == signal.SIGTERM else os.killpg)(run.pid, number)
        run.stdout.read()
    return run.returncode


def test_undeploy_asks_for_the_name_of_the_stage(dev, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda _: "yes")

    with pytest.raises(SystemExit, match="Nothing was removed"):
        release.main(["undeploy", "dev"])

    assert set(serving("dev")) == {"dev", "dev_worker"}


def test_undeploy_leaves_what_holds_data(aws, dev):
    before = len(aws.calls)

    release.main(["undeploy", "dev", "--yes"])

    calls = {action for _, action in aws.calls[before:]}
    rules = aws.client("events").list_rules(NamePrefix="paymyinvoice-dev")
    assert serving("dev") == {}
    assert rules["Rules"] == []
    assert load("dev").stack_status("dev") in ("", "DELETE_COMPLETE")
    assert "DeleteFunction" in calls
    assert calls & DATA == set()
    assert load("dev").bucket.zip_content(digest(dev))


def test_undeploy_of_what_is_not_there_says_so(aws, capsys):
    release.main(["undeploy", "qa", "--yes"])

    assert capsys.readouterr().out.count("was not there") == 2


def test_first_deploy_that_does_not_answer_says_what_may_be_missing(aws, tmp_path):
    broken = Builder(tmp_path)("broken", **{"/readyz": 503})

    with pytest.raises(changing.Failed) as failed:
        deploy("dev", broken)

    assert "/readyz answered 503. This was the first deploy of dev" in str(failed.value)
    assert "`python -m deploy.stack dev --domain` leads it here" in str(failed.value)
