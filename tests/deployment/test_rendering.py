import json
import sys

import boto3
import pytest
from zappa.cli import ZappaCLI

from deploy import rendering
from deploy.rendering import Unrendered, apply, effective, fill, values, variable_of

ACCOUNT = {
    "DeployBucket": "zips",
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/run",
    "SubnetIds": "subnet-a,subnet-b",
    "SecurityGroupIds": "sg-1",
    "SecretsArn": "arn:aws:secretsmanager:eu-central-1:123456789012:secret:s",
    "DatabaseHost": "db.example.com",
    "MediaBucket": "media",
}
ENVIRON = {variable_of(name): value for name, value in ACCOUNT.items()}
STAGES = ["dev", "qa", "prod", "dev_worker", "qa_worker", "prod_worker"]


def test_the_environment_stands_in_for_outputs():
    assert variable_of("ExecutionRoleArn") == "INFRA_EXECUTION_ROLE_ARN"
    environ = ENVIRON | {"INFRA_DOMAIN": "pay.example.com"}
    assert values("dev", environ) == ACCOUNT | {"Domain": "pay.example.com"}
    assert values("dev_worker", environ) == values("dev", environ)


def test_without_a_domain_the_address_is_that_of_the_api(moto):
    address = "https://dev.not-deployed-yet.invalid/dev"
    assert values("dev", ENVIRON) == ACCOUNT | {"SiteUrl": address}


@pytest.mark.parametrize("stage", STAGES)
def test_zappa_reads_each_stage_as_it_is_in_the_file(stage, monkeypatch):
    monkeypatch.chdir(rendering.ROOT)
    cli = ZappaCLI()
    cli.api_stage = stage
    cli.load_credentials = False

    cli.load_settings()

    config = effective(stage, rendering.load())
    assert cli.lambda_name == f"paymyinvoice-{stage}".replace("_", "-")
    assert cli.stage_config | {"extends": ""} == config | {"extends": ""}


@pytest.mark.parametrize("stage", ["dev", "qa", "prod"])
def test_a_worker_is_its_stage_without_a_door(stage):
    settings = rendering.load()
    web, worker = effective(stage, settings), effective(f"{stage}_worker", settings)

    assert web["aws_environment_variables"]["STAGE"] == stage
    assert (
        worker["aws_environment_variables"]["STAGE"],
        worker["lambda_handler"],
        worker["runtime"],
    ) == (stage, web["lambda_handler"], web["runtime"])
    assert worker["apigateway_enabled"] is False
    assert worker["keep_warm"] is False
    assert (web["timeout_seconds"], worker["timeout_seconds"]) == (29, 900)


def test_a_filled_stage_is_told_its_account():
    settings = fill("dev", rendering.load(), ACCOUNT | {"Domain": "dev.example.com"})

    assert settings["dev"]["s3_bucket"] == "zips"
    assert settings["dev"]["role_arn"] == ACCOUNT["ExecutionRoleArn"]
    assert settings["dev"]["vpc_config"] == {
        "SubnetIds": ["subnet-a", "subnet-b"],
        "SecurityGroupIds": ["sg-1"],
    }
    assert settings["dev"]["aws_environment_variables"] == {
        "STAGE": "dev",
        "KEEP_WARM_DATABASE": "false",
        "SITE_URL": "https://dev.example.com",
        "ALLOWED_HOSTS": "dev.example.com",
        "SECRETS_ARN": ACCOUNT["SecretsArn"],
        "DATABASE_HOST": "db.example.com",
        "MEDIA_BUCKET": "media",
    }
    # A migration may take longer than an answer; see config/environment.py.
    assert settings["dev_worker"]["aws_environment_variables"] == (
        settings["dev"]["aws_environment_variables"] | {"DATABASE_READ_TIMEOUT": "840"}
    )
    assert settings["qa"] == rendering.load()["qa"]


def test_zappa_reads_a_rendered_file(tmp_path):
    file = tmp_path / "zappa_settings.json"
    file.write_text(json.dumps(fill("prod", rendering.load(), ACCOUNT)))
    cli = ZappaCLI()
    cli.api_stage = "prod_worker"
    cli.load_credentials = False

    cli.load_settings(str(file))

    assert cli.s3_bucket_name == "zips"
    assert cli.zappa.credentials_arn == ACCOUNT["ExecutionRoleArn"]
    assert cli.vpc_config["SecurityGroupIds"] == ["sg-1"]
    assert cli.timeout_seconds == 900


def test_without_a_domain_only_the_gateways_names_are_answered():
    config = apply(effective("qa", rendering.load()), ACCOUNT)

    variables = config["aws_environment_variables"]
    assert variables["ALLOWED_HOSTS"] == ".execute-api.eu-central-1.amazonaws.com"


def test_variables_that_lambda_would_refuse_are_named():
    known = ACCOUNT | {"MailFrom": "x" * 4000}

    with pytest.raises(Unrendered, match=r"take 4\d\d\d bytes.*DEFAULT_FROM_EMAIL"):
        apply(effective("dev", rendering.load()), known)


def test_as_much_as_lambda_takes_is_not_refused():
    config = effective("dev", rendering.load())
    variables = apply(config, ACCOUNT)["aws_environment_variables"]
    used = len("".join(name + value for name, value in variables.items()))
    room = 4096 - used - len("DEFAULT_FROM_EMAIL")

    apply(config, ACCOUNT | {"MailFrom": "x" * room})
    with pytest.raises(Unrendered, match="take 4097 bytes"):
        apply(config, ACCOUNT | {"MailFrom": "x" * (room + 1)})


def test_an_unknown_stage_is_named():
    with pytest.raises(Unrendered, match="no stage staging"):
        effective("staging", rendering.load())


@pytest.mark.parametrize("name", ACCOUNT)
def test_what_is_missing_is_named_with_both_ways_to_get_it(name, moto):
    environ = {key: text for key, text in ENVIRON.items() if key != variable_of(name)}

    with pytest.raises(Unrendered) as refusal:
        values("dev", environ)

    assert str(refusal.value) == (
        "There is no stack paymyinvoice-infra-dev. `python -m deploy.stack dev` makes it"
        f" as it should be; instead of it, {variable_of(name)} may be set."
    )


def test_an_account_that_cannot_be_asked_is_told_from_one_without_a_stack(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    # It remembers keys that it has found once.
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)

    with pytest.raises(Unrendered, match=r"could not be asked .* locate credentials\."):
        values("dev", {})


def test_the_command_writes_the_file_and_says_what_it_found(
    monkeypatch, tmp_path, capsys
):
    for name, value in (ENVIRON | {"INFRA_DOMAIN": "pay.example.com"}).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(rendering, "ROOT", tmp_path)
    monkeypatch.setattr(rendering, "RENDERED", tmp_path / "build" / "settings.json")
    monkeypatch.setattr(sys, "argv", ["rendering", "dev_worker"])

    rendering.main()

    written = json.loads((tmp_path / "build" / "settings.json").read_text())
    known = ACCOUNT | {"Domain": "pay.example.com"}
    assert written == fill("dev", rendering.load(), known)
    assert "DeployBucket       zips" in capsys.readouterr().out


def test_the_command_ends_with_the_sentence(monkeypatch, moto):
    monkeypatch.setattr(sys, "argv", ["rendering", "qa"])

    with pytest.raises(SystemExit, match="Not rendered: There is no stack"):
        rendering.main()
