"""
Build the zip that Zappa deploys: `python -m deploy.package STAGE [--output FILE]`.

Zappa packages whatever folder and environment it stands in. So it is put into a clean
copy of what git knows and a stage needs, beside an environment of run-time dependencies
alone, and never sees a checkout's secrets, tests or tools. What it makes is unpacked,
pruned, byte-compiled, checked, and zipped anew.
"""

import argparse
import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from deploy import checks, native, pruning, zipping

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "package"
PROJECT = BUILD / "project"
TASK = BUILD / "task"
LOCKS = ROOT / "requirements"
LOCK = LOCKS / "lambda.txt"
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
    "zappa_settings.json",
)
STARTED = time.monotonic()


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the zip that Zappa deploys.")
    parser.add_argument("stage", help="a stage of zappa_settings.json")
    parser.add_argument("--output", type=Path, help="default: build/STAGE.zip")
    arguments = parser.parse_args()
    output = arguments.output or ROOT / "build" / f"{arguments.stage}.zip"
    try:
        build(arguments.stage, output.resolve())
    except checks.Unfit as error:
        sys.exit(f"No package: {error}")
    _say(f"{output} (MB in the zip, unpacked)")
    for name, packed, unpacked in zipping.largest(output, 10):
        _print(f"{packed / checks.MB:12.1f} {unpacked / checks.MB:6.1f}  {name}")


def build(stage: str, output: Path) -> None:
    """
    Write the stage's zip to `output`.

    :raises checks.Unfit: if it could not run on Lambda, or should not be seen there
    :raises subprocess.CalledProcessError: if a step fails; its output says why
    """
    checks.check_machine()
    _say("environment of run-time dependencies")
    environment = _environment()
    _say("clean copy of the project")
    _stage_project()
    _say("static files")
    python = environment / "bin" / "python"
    collect = "manage.py collectstatic --no-input --verbosity=0"
    _run(python, *collect.split(), cwd=PROJECT, env=_building_env())
    _say(f"zappa package {stage}")
    _run(
        environment / "bin" / "zappa",
        "package",
        stage,
        "--output",
        "package.zip",
        cwd=PROJECT,
        env={**os.environ, "VIRTUAL_ENV": str(environment)},
    )
    _say("without what no stage reads")
    with zipfile.ZipFile(PROJECT / "package.zip") as archive:
        archive.extractall(TASK)
    pruning.prune(TASK, run_time=pruning.locked(LOCKS / "run.txt"))
    native.strip(TASK)
    _say("byte code")
    zipping.compile_tree(TASK)
    _say("checks")
    checks.check_tree(TASK)
    _say("zip")
    output.parent.mkdir(parents=True, exist_ok=True)
    zipping.zip_tree(TASK, output)
    checks.check_zip(output)


def _environment() -> Path:
    """A virtual environment of the locked run-time dependencies, built once per lock."""
    environment = ROOT / ".venv-lambda"
    python = environment / "bin" / "python"
    uv = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
    stamp = environment / "lock.txt"
    if not stamp.exists() or stamp.read_bytes() != LOCK.read_bytes():
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment)
        _run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, LOCK)
        shutil.copy(LOCK, stamp)
    wheel = native.driver_wheel(python, LOCK, ROOT / ".cache")
    install = "pip install --quiet --no-deps --reinstall --python"
    _run(uv, *install.split(), python, wheel)
    return environment


def _stage_project() -> None:
    shutil.rmtree(BUILD, ignore_errors=True)
    for path in _shipped():
        target = PROJECT / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target)


def _shipped() -> Iterator[Path]:
    git = shutil.which("git") or "git"
    listed = subprocess.run(
        [
            git,
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
            "--",
            *SHIPPED,
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            yield Path(name)


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
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _run(
    *command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None
) -> None:
    subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=True)


def _say(what: str) -> None:
    _print(f"{time.monotonic() - STARTED:4.0f} s · {what}")


def _print(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    main()
