import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from django.conf import settings

ROOT = Path(settings.BASE_DIR)


def start(
    code: str = "import config.settings as s; print(s.STAGE)", **variables: str
) -> subprocess.CompletedProcess[str]:
    """Load the settings in a process of their own."""
    return subprocess.run(
        [sys.executable, "-c", code],
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


@pytest.mark.parametrize(
    ("url", "known"),
    [
        ("https://pay.example.com", "https://pay.example.com  /static/ /media/"),
        ("https://pay.example.com/", "https://pay.example.com  /static/ /media/"),
        (
            "https://a.execute-api.x.amazonaws.com/dev/",
            "https://a.execute-api.x.amazonaws.com /dev /dev/static/ /dev/media/",
        ),
    ],
)
def test_the_stage_before_every_path_is_told_from_the_site(url, known):
    code = (
        "import config.settings as s;"
        "print(s.SITE_URL, s.FORCE_SCRIPT_NAME, s.STATIC_URL, s.MEDIA_URL)"
    )

    assert start(code, SITE_URL=url).stdout == f"{known}\n"


def test_a_site_without_a_scheme_is_refused():
    result = start(SITE_URL="pay.example.com")

    assert "SITE_URL is 'pay.example.com': begin it with https://" in result.stderr


def test_every_variable_the_settings_read_is_in_the_example():
    files = ("config/environment.py", "config/settings.py")
    source = "".join((ROOT / name).read_text() for name in files)
    read = set(re.findall(r'(?:env(?:\.\w+)?|stage_needs)\(\s*"([A-Z_]+)"', source))
    example = (ROOT / ".env.example").read_text()
    listed = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))

    assert listed == read


def options(**variables: str) -> dict[str, Any]:
    """What a stage tells the driver, with these variables beside its own."""
    code = (
        "import config.settings as s, json; print(json.dumps(s.DATABASES['default']))"
    )
    result = start(code, **stage_environment() | variables)
    assert result.stderr == ""
    return json.loads(result.stdout)["OPTIONS"]


def test_a_stage_verifies_its_database_by_the_authority_of_its_region():
    authority = ROOT / "config/certificates/rds-eu-central-1.pem"

    assert (
        options().items()
        >= {
            "ssl_mode": "VERIFY_IDENTITY",
            "ssl": {"ca": str(authority)},
        }.items()
    )
    assert "Amazon RDS eu-central-1 Root CA" in str(
        x509.load_pem_x509_certificate(authority.read_bytes()).subject
    )


def test_a_stage_verifies_its_database_by_the_authority_it_names(tmp_path):
    authority = tmp_path / "authority.pem"
    authority.touch()

    assert options(DATABASE_SSL_CA=str(authority))["ssl"] == {"ca": str(authority)}


def test_a_stage_without_the_authority_of_its_region_does_not_start():
    result = start(**stage_environment() | {"AWS_REGION": "xx-nowhere-1"})

    assert result.returncode != 0
    assert "rds-xx-nowhere-1.pem is missing: set DATABASE_SSL_CA" in result.stderr


def test_a_database_on_the_same_machine_needs_no_tls():
    assert "ssl" not in options(DATABASE_URL="mysql://me:secret@127.0.0.1:3306/mine")


def test_a_worker_may_wait_longer_for_its_database():
    patient = options(DATABASE_CONNECT_TIMEOUT="60", DATABASE_READ_TIMEOUT="840")

    assert patient["connect_timeout"] == 60
    assert patient["read_timeout"] == patient["write_timeout"] == 840


def test_a_stage_takes_its_database_from_infrastructure_and_secret():
    environment = stage_environment() | {
        "DATABASE_HOST": "stage.example.com",
        "DATABASE_NAME": "name",
        "DATABASE_USER": "user",
        "DATABASE_PASSWORD": "a/b?c#d",
    }
    del environment["DATABASE_URL"]
    code = (
        "from config.settings import DATABASES\n"
        "print(*(DATABASES['default'][n] for n in "
        "('HOST', 'PORT', 'NAME', 'USER', 'PASSWORD')))"
    )

    assert start(code, **environment).stdout == (
        "stage.example.com 3306 name user a/b?c#d\n"
    )


def test_a_stage_without_its_databases_password_does_not_start():
    environment = stage_environment() | {"DATABASE_HOST": "stage.example.com"}
    del environment["DATABASE_URL"]

    result = start(**environment | {"DATABASE_NAME": "n", "DATABASE_USER": "u"})

    assert "Set DATABASE_PASSWORD: the stage 'prod'" in result.stderr
