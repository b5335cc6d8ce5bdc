"""What `zappa` typed by hand does before its command; see test_package for the zip."""

import sys
from pathlib import Path

import pytest
from click import ClickException
from zappa.cli import ZappaCLI

from deploy import checks, package, zappa_hooks
from deploy.rendering import NEEDED, variable_of


def zappa(command, stage="qa_worker"):
    """Zappa as it is when it calls back: its settings read, its command not begun."""
    cli = ZappaCLI()
    cli.command, cli.api_stage = command, stage
    cli.vargs = {}
    cli.load_credentials = False
    cli.load_settings(str(package.ROOT / "zappa_settings.json"))
    return cli


@pytest.fixture(autouse=True)
def no_active_environment(monkeypatch):
    # Set first, so that what the callback sets is taken back.
    monkeypatch.setenv("VIRTUAL_ENV", "")
    monkeypatch.delenv("VIRTUAL_ENV")


@pytest.fixture
def account(monkeypatch):
    for name in (*NEEDED, "Domain"):
        monkeypatch.setenv(variable_of(name), f"our-{name}")


def test_the_callback_is_named_for_every_stage():
    stages = ["dev", "qa", "prod", "dev_worker", "qa_worker", "prod_worker"]

    assert {
        zappa("deploy", stage).stage_config["callbacks"]["settings"] for stage in stages
    } == {"deploy.zappa_hooks.prepare"}


@pytest.mark.parametrize("command", ["deploy", "update"])
def test_what_differs_per_account_is_filled_in(account, command):
    cli = zappa(command)

    zappa_hooks.prepare(cli)

    assert cli.s3_bucket_name == "our-DeployBucket"
    assert cli.desired_role_arn == "our-ExecutionRoleArn"
    assert cli.vpc_config["SubnetIds"] == ["our-SubnetIds"]
    assert cli.aws_environment_variables["STAGE"] == "qa"
    assert cli.lambda_name == "paymyinvoice-qa-worker"


def test_what_was_rendered_before_is_left_as_it_is(account):
    cli = zappa("update")
    cli.zappa_settings["qa_worker"]["role_arn"] = "rendered"

    zappa_hooks.prepare(cli)

    assert cli.stage_config["role_arn"] == "rendered"


def test_a_package_needs_neither_account_nor_active_environment():
    cli = zappa("package")

    zappa_hooks.prepare(cli)

    assert cli.zappa.get_current_venv() == Path(sys.prefix)
    assert cli.desired_role_arn is None


def test_an_unknown_account_is_refused_before_anything_is_built(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")

    with pytest.raises(ClickException, match="INFRA_DEPLOY_BUCKET may be set"):
        zappa_hooks.prepare(zappa("deploy"))


def test_the_builder_stands_where_zappa_calls_its_own(monkeypatch, tmp_path):
    monkeypatch.setattr(package, "build", lambda output: output.write_text("ours"))
    cli = zappa("package")
    zappa_hooks.prepare(cli)

    cli.create_package(str(tmp_path / "package.zip"))

    assert cli.zip_path == str(tmp_path / "package.zip")
    assert (tmp_path / "package.zip").read_text() == "ours"


def test_a_refusal_of_the_builder_ends_the_command(monkeypatch):
    monkeypatch.setattr(checks, "PYTHON", (3, 14))
    cli = zappa("deploy")

    with pytest.raises(ClickException, match=r"No package: Build with Python 3\.1"):
        zappa_hooks.create_package(cli)
