"""
Build the zip that Zappa deploys: `python -m deploy.package STAGE [--output FILE]`.

Zappa packages whatever folder and environment it stands in. So it is put into a clean
copy of what git knows and a stage needs, beside an environment of run-time dependencies
alone, and never sees a checkout's secrets, tests or tools.
"""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "package"
LOCK = ROOT / "requirements" / "lambda.txt"
SHIPPED = (
    "accounts",
    "billing",
    "blog",
    "config",
    "invoices",
    "static",
    "templates",
    "manage.py",
    "zappa_settings.json",
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build the zip that Zappa deploys.")
    parser.add_argument("stage", help="a stage of zappa_settings.json")
    parser.add_argument("--output", type=Path, help="default: build/STAGE.zip")
    arguments = parser.parse_args()
    output = arguments.output or ROOT / "build" / f"{arguments.stage}.zip"
    build(arguments.stage, output.resolve())
    _say(f"{output} ({output.stat().st_size / 1024 / 1024:.1f} MB)")


def build(stage: str, output: Path) -> None:
    """
    Write the stage's zip to `output`.

    :raises subprocess.CalledProcessError: if a step fails; its output says why
    """
    _say("environment of run-time dependencies")
    environment = _environment()
    _say("clean copy of the project")
    stage_folder = _staged()
    _say("static files")
    _run(
        environment / "bin" / "python",
        "manage.py",
        "collectstatic",
        "--no-input",
        "--verbosity=0",
        cwd=stage_folder,
        env=_building_env(),
    )
    _say(f"zappa package {stage}")
    _run(
        environment / "bin" / "zappa",
        "package",
        stage,
        "--output",
        "package.zip",
        cwd=stage_folder,
        env={**os.environ, "VIRTUAL_ENV": str(environment)},
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    shutil.move(stage_folder / "package.zip", output)


def _environment() -> Path:
    """A virtual environment of the locked run-time dependencies, built once per lock."""
    environment = ROOT / ".venv-lambda"
    stamp = environment / "lock.txt"
    if stamp.exists() and stamp.read_bytes() == LOCK.read_bytes():
        return environment
    uv = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
    _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    _run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", python, LOCK)
    shutil.copy(LOCK, stamp)
    return environment


def _staged() -> Path:
    shutil.rmtree(BUILD, ignore_errors=True)
    for path in _shipped():
        target = BUILD / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / path, target)
    return BUILD


def _shipped() -> Iterator[Path]:
    git = shutil.which("git") or "git"
    listed = subprocess.run(  # noqa: S603
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
    subprocess.run(  # noqa: S603
        [str(part) for part in command], cwd=cwd, env=env, check=True
    )


def _say(what: str) -> None:
    print(f"· {what}", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
