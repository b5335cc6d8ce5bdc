"""A stage's whole life on one machine; each step needs the ones before it."""

import pytest

from tests.database import private_mariadb
from tests.rehearsal.steps import Step, steps
from tests.rehearsal.world import rehearsal_world

STAGE = "dev"

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
