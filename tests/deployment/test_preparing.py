import hashlib
import shutil
import subprocess
from pathlib import Path

import pytest

from deploy.preparing import Refused, prepare, remember_rehearsal
from deploy.progress import Progress

MAKEFILE = """
check:
	@echo check >> made; test ! -e refuse-check
package:
	@echo package >> made; mkdir -p build; printf zip > build/lambda.zip
rehearse:
	@echo rehearse $(STAGE) $(notdir $(ZIP)) $$DATABASE_URL >> made
	@test ! -e refuse-rehearse
"""
DIGEST = hashlib.sha256(b"zip").hexdigest()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A commit of a project whose targets only say that they were made."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    # Or a `make` around the tests would pass its own flags on.
    monkeypatch.delenv("MAKEFLAGS", raising=False)
    (tmp_path / "Makefile").write_text(MAKEFILE)
    (tmp_path / ".gitignore").write_text("build\nmade\nrefuse-*\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "add", ".")
    person = ("-c", "user.name=Test", "-c", "user.email=test@example.com")
    git(tmp_path, *person, "commit", "--quiet", "--message", "Begin")
    return tmp_path


def git(folder: Path, *arguments: str) -> str:
    program = shutil.which("git") or "git"
    run = subprocess.run(
        [program, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return run.stdout.strip()


def made(checkout: Path) -> list[str]:
    return (checkout / "made").read_text().splitlines()


def test_zip_is_checked_built_and_rehearsed_in_this_order(checkout):
    candidate = prepare("qa", Progress(), root=checkout)

    assert made(checkout) == ["check", "package", "rehearse qa lambda.zip"]
    assert candidate.digest == DIGEST
    assert candidate.commit == git(checkout, "rev-parse", "--short=12", "HEAD")


def test_rehearsal_is_not_given_a_database_to_write_to(checkout, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "mysql://prod.example.com/paymyinvoice")

    prepare("qa", Progress(), root=checkout)

    assert made(checkout)[-1] == "rehearse qa lambda.zip"


def test_changes_that_no_commit_has_are_told_and_marked(checkout, capsys):
    (checkout / "new").write_text("")

    candidate = prepare("qa", Progress(), root=checkout)

    assert candidate.commit.endswith("+changes")
    assert "warning: 1 files differ from the commit" in capsys.readouterr().out


@pytest.mark.parametrize("target", ["check", "rehearse"])
def test_nothing_goes_on_after_a_step_that_failed(checkout, target):
    (checkout / f"refuse-{target}").write_text("")

    with pytest.raises(Refused, match=f"`make {target}.*failed: nothing was deployed"):
        prepare("qa", Progress(), root=checkout)

    assert made(checkout)[-1].startswith(target)


def test_given_zip_is_not_built_but_rehearsed_and_knows_its_commit(checkout):
    built = prepare("dev", Progress(), root=checkout)
    given = checkout / "from-dev.zip"
    given.write_bytes(built.file.read_bytes())
    (checkout / "made").unlink()

    candidate = prepare("qa", Progress(), given=given, root=checkout)

    assert made(checkout) == ["check", "rehearse qa from-dev.zip"]
    assert (candidate.file, candidate.commit) == (given, built.commit)


def test_given_zip_that_nobody_here_built_has_no_commit(checkout):
    given = checkout / "found.zip"
    given.write_bytes(b"found")

    assert prepare("qa", Progress(), given=given, root=checkout).commit == "unknown"
    with pytest.raises(Refused, match="There is no zip at"):
        prepare("qa", Progress(), given=checkout / "lost.zip", root=checkout)


def test_rehearsal_is_left_out_for_a_zip_that_was_rehearsed(checkout):
    prepare("dev", Progress(), root=checkout)
    (checkout / "made").unlink()

    prepare("qa", Progress(), rehearsed=DIGEST, root=checkout)

    assert made(checkout) == ["check", "package"]


def test_rehearsal_is_not_left_out_by_a_mere_word(checkout):
    other = hashlib.sha256(b"other").hexdigest()
    remember_rehearsal(other, checkout)

    with pytest.raises(Refused, match="another zip"):
        prepare("qa", Progress(), rehearsed=other, root=checkout)
    with pytest.raises(Refused, match="knows of no green rehearsal"):
        prepare("qa", Progress(), rehearsed=DIGEST, root=checkout)
