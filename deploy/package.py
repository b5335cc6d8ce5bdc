"""
Build the zip that every stage deploys: `python -m deploy.package [--output FILE]`.

It is made of what git knows and a stage needs, and of an environment of run-time
dependencies alone, so that a checkout's secrets, tests and tools are never near it. It
knows no stage: that is the function's variable STAGE, and what was tried on `qa` goes to
`prod` as it is.
"""

import argparse
import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy import checks, compiling, native, pruning, zipping
from deploy.progress import Progress

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
ZIP = BUILD / "lambda.zip"
WORK = BUILD / "package"
PROJECT = WORK / "project"
TASK = WORK / "task"
ENVIRONMENT = ROOT / ".venv-lambda"
LOCK = ROOT / "requirements" / "lambda.txt"
SHIPPED = (
    "accounts",
    "billing",
    "blog",
    "config",
    "invoices",
    # Django warns of a folder in STATICFILES_DIRS that is not there.
    "static",
    "templates",
    "manage.py",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the zip that stages deploy.")
    parser.add_argument("--output", type=Path, default=ZIP, help="build/lambda.zip")
    output = parser.parse_args().output.resolve()
    try:
        build(output)
    except checks.Unfit as error:
        sys.exit(f"No package: {error}")


def build(output: Path) -> None:
    """
    Write the zip to `output` and print what takes the space. Waits for a build that runs.

    :raises checks.Unfit: if it could not run on Lambda, or should not be seen there
    """
    checks.check_machine()
    with _one_at_a_time():
        _build(output)
    _print(f"{output} is built. MB in it, unpacked:")
    for name, packed, unpacked in zipping.largest(output, 10):
        _print(f"{packed / checks.MB:12.1f} {unpacked / checks.MB:6.1f}  {name}")


def _build(output: Path) -> None:
    say = Progress().say
    say("environment of run-time dependencies")
    python = _environment()
    say("clean copy of the project")
    _copy_project()
    if changed := uncommitted():
        _print(f"         with changes that no commit has: {', '.join(changed)}")
    say("static files")
    _collect_static()
    say("what it needs, without what no stage reads")
    _add_libraries(python)
    pruning.prune(TASK)
    native.strip(TASK)
    say("byte code")
    compiling.compile_tree(TASK)
    say("checks")
    checks.check_tree(TASK)
    say("zip")
    unchecked = WORK / output.name
    zipping.zip_tree(TASK, unchecked)
    checks.check_zip(unchecked)
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(unchecked, output)
    shutil.rmtree(WORK)
    say("done")


def uncommitted() -> list[str]:
    """Paths of what the package takes from here and git has no commit of."""
    status = _git("status", "--porcelain", "--no-renames", "-z", "--", *SHIPPED)
    return [line[3:] for line in status]


def _environment() -> Path:
    """The Python of the locked run-time dependencies, installed once per lock."""
    python = ENVIRONMENT / "bin" / "python"
    uv = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
    stamp = ENVIRONMENT / "made_of.txt"
    wheel = native.driver_wheel(LOCK, ROOT / ".cache")
    made_of = f"{sys.version}\n{wheel.parent.name}\n{LOCK.read_text()}"
    if not stamp.exists() or stamp.read_text() != made_of:
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, ENVIRONMENT)
        others = ENVIRONMENT / "others.txt"
        others.write_text(native.without_driver(LOCK))
        install = "pip install --quiet --no-deps --python"
        _run(uv, *install.split(), python, "--require-hashes", "-r", others)
        _run(uv, *install.split(), python, wheel)
        stamp.write_text(made_of)
    return python


def _copy_project() -> None:
    shutil.rmtree(WORK, ignore_errors=True)
    for name in _git(
        "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *SHIPPED
    ):
        # Git lists what was deleted and not committed, too.
        if (ROOT / name).exists():
            target = PROJECT / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target)


def _collect_static() -> None:
    # By this Python: to start a stage takes boto3, which Lambda brings.
    collect = "manage.py collectstatic --no-input --verbosity=0"
    _run(sys.executable, *collect.split(), cwd=PROJECT, env=_building_env())


def _add_libraries(python: Path) -> None:
    unused = shutil.ignore_patterns("__pycache__", "_virtualenv.*", "*.pth")
    shutil.copytree(_site_packages(python), TASK, ignore=unused)
    shutil.copytree(PROJECT, TASK, dirs_exist_ok=True, ignore=unused)


def _site_packages(python: Path) -> Path:
    version = ".".join(map(str, checks.PYTHON))
    return python.parent.parent / "lib" / f"python{version}" / "site-packages"


def _building_env() -> dict[str, str]:
    """What a stage needs to start; static files are hashed only in one."""
    return {
        "PATH": os.environ["PATH"],
        "STAGE": "build",
        "SECRET_KEY": "only-while-building",
        "SITE_URL": "https://build.invalid",
        "DATABASE_URL": "sqlite://:memory:",
        "EMAIL_URL": "dummymail://",
        "MEDIA_BUCKET": "build",
        "STRIPE_API_KEY": "sk_test_build",
        "STRIPE_WEBHOOK_SECRETS": "whsec_build",
    }


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Builds share the environment and the folder they work in."""
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".package.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _print("Waiting for another build of the package.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _git(*arguments: str) -> list[str]:
    """What git says of this checkout, which ends every line with a NUL."""
    command = [shutil.which("git") or "git", *arguments]
    said = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False
    )
    if said.returncode:
        raise checks.Unfit(f"git cannot tell what belongs to it: {said.stderr.strip()}")
    return said.stdout.split("\0")[:-1]


def _run(
    *command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> None:
    said = [str(part) for part in command]
    try:
        subprocess.run(said, cwd=cwd, env=env, check=True)
    except subprocess.CalledProcessError as error:
        raise checks.Unfit(f"`{' '.join(said)}` failed; it says why above.") from error


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
