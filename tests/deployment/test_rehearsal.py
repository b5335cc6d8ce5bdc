"""A stage's whole life on one machine; each step needs the ones before it."""

import zipfile

import pytest

from tests.database import private_mariadb
from tests.rehearsal import __main__ as rehearsal
from tests.rehearsal.steps import Step, steps
from tests.rehearsal.world import rehearsal_world

STAGE = "dev"
# A release that cannot do a thing.
BROKEN = """
import json

def handler(event, context):
    print(json.dumps({"level": "ERROR", "message": "No table", "traceback": "E: why"}))
    raise RuntimeError("There is no table.")
"""

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package")]


@pytest.fixture(scope="module")
def world(zip_file, tmp_path_factory):
    folder = tmp_path_factory.mktemp("rehearsal")
    with rehearsal_world(STAGE, zip_file, private_mariadb(), folder) as world:
        yield world


@pytest.fixture(scope="module")
def green():
    """The names of the steps that were."""
    return []


@pytest.mark.parametrize("step", steps(STAGE), ids=lambda step: step.name)
def test_a_stage_is_deployed_used_and_removed(world, green, step: Step):
    expected = [each.name for each in steps(STAGE)]
    assert green == expected[: expected.index(step.name)], "an earlier step failed"

    assert step.act(world)

    green.append(step.name)


def test_a_failed_step_is_named_with_what_the_function_said(
    tmp_path, monkeypatch, capsys
):
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(broken, "w") as archive:
        archive.writestr("config/lambda_handler.py", BROKEN)
    monkeypatch.setattr(rehearsal, "FOLDER", tmp_path / "rehearsal")
    monkeypatch.setenv("DATABASE_URL", "mysql://nobody:none@127.0.0.1:9/nothing")

    with pytest.raises(SystemExit) as ended:
        rehearsal.main([STAGE, "--zip", str(broken)])

    assert f"The step 'zappa manage {STAGE}_worker migrate' failed" in str(ended.value)
    assert "There is no table." in str(ended.value)
    assert "paymyinvoice-dev-worker-1.log: No table: E: why" in str(ended.value)
    assert "migrate  failed" in capsys.readouterr().out


def test_a_zip_that_is_not_there_is_said_to_be_missing(tmp_path):
    missing = tmp_path / "missing.zip"

    with pytest.raises(SystemExit, match="make package builds one"):
        rehearsal.main([STAGE, "--zip", str(missing)])
