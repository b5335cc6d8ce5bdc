"""The shared fixtures do what other tests rely on."""

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.tasks import task
from django_tasks_db.models import DBTaskResult

from accounts.models import Business
from tests import slow

pytestmark = pytest.mark.django_db


@task
def rename(name: str, *, then: str = "") -> None:
    if not name:
        raise ValueError("no name")
    Business.objects.update(name=name)
    if then:
        rename.enqueue(then)


def test_run_tasks_runs_what_is_ready_and_what_that_causes(run_tasks, business):
    rename.enqueue("first", then="second")

    ran = run_tasks()

    business.refresh_from_db()
    assert (ran, business.name, run_tasks()) == (2, "second", 0)


def test_run_tasks_fails_the_test_if_a_task_fails(run_tasks):
    rename.enqueue("")

    with pytest.raises(AssertionError, match="no name"):
        run_tasks()


def test_run_tasks_may_be_told_that_a_task_may_fail(run_tasks):
    rename.enqueue("")

    assert run_tasks(may_fail=True) == 1
    assert DBTaskResult.objects.failed().count() == 1


@pytest.mark.parametrize("alias", ["default", "documents"])
def test_files_stay_in_the_folder_of_the_test(tmp_path, alias):
    storages[alias].save("a.txt", ContentFile(b"a"))

    assert (tmp_path / alias / "a.txt").read_bytes() == b"a"


@pytest.mark.parametrize("name", slow.SLOW)
def test_what_is_slow_is_there(name):
    assert (slow.TESTS / name).exists()
