import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def start(**variables: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", "import config.settings as s; print(s.STAGE)"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def stage_environment() -> dict[str, str]:
    lines = (ROOT / "tests/data/stage.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if not line.startswith("#"))
    return {name: value.replace("'", "") for name, _, value in pairs}


def test_a_laptop_needs_no_variable():
    assert start().stdout == "laptop\n"


def test_a_stage_starts_with_its_environment():
    assert start(**stage_environment()).stdout == "prod\n"


@pytest.mark.parametrize(
    "name", ["SECRET_KEY", "DATABASE_URL", "SITE_URL", "STRIPE_API_KEY", "MEDIA_BUCKET"]
)
def test_a_stage_without_a_secret_does_not_start_and_names_it(name):
    environment = stage_environment()
    del environment[name]

    result = start(**environment)

    assert result.returncode != 0
    assert f"Set {name}: the stage 'prod' cannot start without." in result.stderr


def test_every_variable_the_settings_read_is_in_the_example():
    source = (ROOT / "config/settings.py").read_text()
    read = set(re.findall(r'(?:env(?:\.\w+)?|stage_needs)\(\s*"([A-Z_]+)"', source))
    example = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))

    assert listed == read
