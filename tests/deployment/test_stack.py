import json
import sys
from types import SimpleNamespace

import boto3
import pytest

from deploy import rendering, secret, stack
from deploy.stack import NotBuilt, build, pairs, wanted
from tests.deployment.infrastructure import for_moto

REGION = "eu-central-1"
# moto makes no Aurora.
CREATABLE = {"Stage": "dev", "Database": "rds"}


@pytest.fixture
def kept(moto):
    """The secret that CloudFormation makes on AWS; its ARN."""
    made = boto3.client("secretsmanager", region_name=REGION).create_secret(
        Name="paymyinvoice-dev", SecretString='{"DATABASE_PASSWORD": "made"}'
    )
    return made["ARN"]


@pytest.fixture
def read(kept):
    client = boto3.client("secretsmanager", region_name=REGION)
    return lambda: json.loads(client.get_secret_value(SecretId=kept)["SecretString"])


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(stack, "PAUSE", 0.01)


def test_rendering_fills_a_stage_from_the_stack_that_was_made(kept, capsys):
    template = for_moto("stage", secret=kept)

    outcome = build("paymyinvoice-infra-dev", template, CREATABLE)

    known = rendering.values("dev", {})
    config = rendering.apply(rendering.effective("dev", rendering.load()), known)
    ec2 = boto3.client("ec2", region_name=REGION)
    subnets = ec2.describe_subnets(SubnetIds=config["vpc_config"]["SubnetIds"])
    buckets = boto3.client("s3", region_name=REGION).list_buckets()["Buckets"]
    iam = boto3.client("iam", region_name=REGION)
    role = iam.get_role(RoleName=config["role_arn"].rpartition("/")[2])
    assert outcome == "created"
    assert "paymyinvoice-infra-dev create_complete" in capsys.readouterr().out
    assert {net["CidrBlock"] for net in subnets["Subnets"]} == {
        "10.20.1.0/24",
        "10.20.2.0/24",
    }
    assert {bucket["Name"] for bucket in buckets} == {
        config["s3_bucket"],
        config["aws_environment_variables"]["MEDIA_BUCKET"],
    }
    assert role["Role"]["Arn"] == config["role_arn"]
    assert config["aws_environment_variables"] == {
        "STAGE": "dev",
        "KEEP_WARM_DATABASE": "false",
        "ALLOWED_HOSTS": ".execute-api.eu-central-1.amazonaws.com",
        "SITE_URL": "https://dev.not-deployed-yet.invalid/dev",
        "SECRETS_ARN": kept,
        "DATABASE_HOST": known["DatabaseHost"],
        "MEDIA_BUCKET": known["MediaBucket"],
        "CONN_MAX_AGE": "300",
        "DATABASE_CONNECT_TIMEOUT": "5",
    }
    assert known["DatabaseHost"].endswith(".rds.amazonaws.com")


def test_a_parameter_that_is_not_said_again_stays(moto, capsys):
    text = {"Type": "String", "Default": "unsaid"}
    template = json.dumps(
        {
            "Parameters": {"Said": text, "Unsaid": text},
            "Resources": {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}},
            "Outputs": {name: {"Value": {"Ref": name}} for name in ("Said", "Unsaid")},
        }
    )
    build("small", template, {"Said": "first"})

    capsys.readouterr()

    again = build("small", template, {"Unsaid": "second"})

    stacks = boto3.client("cloudformation", region_name=REGION).describe_stacks()
    outputs = stacks["Stacks"][0]["Outputs"]
    assert again == "updated"
    assert "create_complete" not in capsys.readouterr().out
    assert {pair["OutputKey"]: pair["OutputValue"] for pair in outputs} == {
        "Said": "first",
        "Unsaid": "second",
    }


def test_a_domain_gives_the_stage_its_address(kept):
    template = for_moto("stage", secret=kept)
    build("paymyinvoice-infra-dev", template, CREATABLE | {"Domain": "d.example.com"})

    variables = rendering.apply(
        rendering.effective("dev", rendering.load()), rendering.values("dev", {})
    )["aws_environment_variables"]

    assert variables["SITE_URL"] == "https://d.example.com"
    assert variables["ALLOWED_HOSTS"] == "d.example.com"


def test_the_environment_wins_over_outputs(kept):
    build("paymyinvoice-infra-dev", for_moto("stage", secret=kept), CREATABLE)

    known = rendering.values("dev", {"INFRA_DATABASE_HOST": "elsewhere"})

    assert known["DatabaseHost"] == "elsewhere"
    assert known["SecretsArn"] == kept


def test_without_a_domain_a_deployed_stage_has_the_gateways_name(kept):
    build("paymyinvoice-infra-dev", for_moto("stage", secret=kept), CREATABLE)
    _deploy_api()

    address = rendering.values("dev", {})["SiteUrl"]

    api = boto3.client("apigateway", region_name=REGION).get_rest_apis()["items"][0]
    assert address == f"https://{api['id']}.execute-api.{REGION}.amazonaws.com/dev"


def test_a_domain_leads_to_what_was_deployed(kept):
    build(
        "paymyinvoice-infra-dev",
        for_moto("stage", secret=kept),
        CREATABLE | {"Domain": "d.example.com"},
    )
    with pytest.raises(NotBuilt, match="`make deploy STAGE=dev` first"):
        wanted("dev", {}, domain=True)
    _deploy_api()

    name, template, parameters = wanted("dev", {"HostedZoneId": "Z1"}, domain=True)

    api = boto3.client("apigateway", region_name=REGION).get_rest_apis()["items"][0]
    assert (name, template.name) == ("paymyinvoice-domain-dev", "domain.yaml")
    assert parameters == {
        "Stage": "dev",
        "Domain": "d.example.com",
        "ApiId": api["id"],
        "HostedZoneId": "Z1",
    }


def test_a_domain_that_nobody_named_is_asked_for(kept):
    build("paymyinvoice-infra-dev", for_moto("stage", secret=kept), CREATABLE)
    _deploy_api()

    with pytest.raises(NotBuilt, match=r"deploy\.stack dev Domain="):
        wanted("dev", {}, domain=True)


def _deploy_api():
    api = {"Type": "AWS::ApiGateway::RestApi", "Properties": {"Name": "Api"}}
    boto3.client("cloudformation", region_name=REGION).create_stack(
        StackName="paymyinvoice-dev",
        TemplateBody=json.dumps({"Resources": {"Api": api}}),
    )


def test_choices_are_made_per_stage_and_a_command_wins():
    dev = wanted("dev", {}, domain=False)
    prod = wanted("prod", {"BackupDays": "35"}, domain=False)
    account = wanted("account", {"BudgetEmail": "a@example.com"}, domain=False)

    assert (dev[0], dev[2]) == ("paymyinvoice-infra-dev", {"Stage": "dev"})
    assert prod[2] == {
        "Stage": "prod",
        "Database": "rds",
        "WayOut": "nat-gateway",
        "BackupDays": "35",
        "LogDays": "90",
    }
    assert account[0] == "paymyinvoice-account"
    assert account[2] == {"BudgetEmail": "a@example.com"}


def test_values_are_name_and_text():
    assert pairs(["Domain=a.example", "MailFrom=A <a=b@example.com>"]) == {
        "Domain": "a.example",
        "MailFrom": "A <a=b@example.com>",
    }
    with pytest.raises(NotBuilt, match="'prod' is no parameter"):
        pairs(["prod"])


class Events:
    """CloudFormation that answers as it does when a resource cannot be made."""

    def __init__(self, *statuses):
        self.statuses = list(statuses)

    def describe_stacks(self, **request):
        status = self.statuses.pop(0)
        return {"Stacks": [{"StackStatus": status}]}

    def describe_stack_events(self, **request):
        return {
            "StackEvents": [
                {
                    "EventId": "2",
                    "LogicalResourceId": "Rds",
                    "ResourceStatus": "CREATE_FAILED",
                    "ResourceStatusReason": "no capacity",
                },
                {
                    "EventId": "1",
                    "LogicalResourceId": "Network",
                    "ResourceStatus": "CREATE_COMPLETE",
                },
            ]
        }


def test_what_could_not_be_made_is_named_with_its_reason(capsys):
    client = Events("CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE")

    with pytest.raises(NotBuilt) as refusal:
        stack._watch(client, "paymyinvoice-infra-dev", seen=set())

    assert str(refusal.value) == (
        "paymyinvoice-infra-dev is ROLLBACK_COMPLETE, for Rds create_failed: no capacity"
    )
    printed = capsys.readouterr().out
    assert printed.index("Network create_complete") < printed.index("Rds create_failed")
    assert printed.count("Network") == 1


@pytest.mark.filterwarnings("ignore:Tried to parse")
def test_the_account_is_made_and_changed_by_the_command(moto, monkeypatch, capsys):
    for value in ("BudgetEmail=a@example.com", "MonthlyBudget=60"):
        monkeypatch.setattr(sys, "argv", ["stack", "account", value])
        stack.main()

    printed = capsys.readouterr().out
    found = boto3.client("cloudformation", region_name=REGION).describe_stacks()
    (made,) = found["Stacks"]
    said = {pair["ParameterKey"]: pair["ParameterValue"] for pair in made["Parameters"]}
    assert "paymyinvoice-account created" in printed
    assert "paymyinvoice-account updated" in printed
    assert (said["BudgetEmail"], said["MonthlyBudget"]) == ("a@example.com", "60")


def test_the_command_takes_values_behind_its_option(kept, monkeypatch):
    arguments = ["stack", "dev", "--domain", "HostedZoneId=Z1"]
    monkeypatch.setattr(sys, "argv", arguments)

    with pytest.raises(SystemExit, match=r"dev: There is nothing yet"):
        stack.main()


def test_the_command_ends_with_the_sentence(moto, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["stack", "dev", "nonsense"])

    with pytest.raises(SystemExit, match="dev: 'nonsense' is no parameter"):
        stack.main()


def test_a_secret_is_asked_for_what_it_lacks_and_keeps_the_password(kept, read):
    client = boto3.client("secretsmanager", region_name=REGION)
    answers = {
        "STRIPE_API_KEY": "sk",
        "STRIPE_WEBHOOK_SECRETS": "wh",
        "EMAIL_URL": "",
    }

    written = secret.fill(client, kept, [], answers.__getitem__)

    held = read()
    assert written == ["SECRET_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRETS"]
    assert len(held.pop("SECRET_KEY")) >= 50
    assert held == {
        "DATABASE_PASSWORD": "made",
        "STRIPE_API_KEY": "sk",
        "STRIPE_WEBHOOK_SECRETS": "wh",
    }


def test_a_secret_that_is_whole_is_left_alone_but_for_what_is_named(kept, read):
    client = boto3.client("secretsmanager", region_name=REGION)
    secret.fill(client, kept, [], lambda name: "first")
    before = read()
    asked = []

    again = secret.fill(client, kept, [], asked.append)
    # One answer for one name.
    answers = {"STRIPE_API_KEY": "second"}
    rolled = secret.fill(client, kept, ["STRIPE_API_KEY"], answers.pop)

    assert (again, asked, rolled) == ([], [], ["STRIPE_API_KEY"])
    assert read() == before | {"STRIPE_API_KEY": "second"}


def test_the_secret_command_prints_names_and_no_values(kept, read, monkeypatch, capsys):
    build("paymyinvoice-infra-dev", for_moto("stage", secret=kept), CREATABLE)
    lines = iter(["sk_hidden\n", "whsec_hidden\n", "dummymail://hidden\n"])
    stdin = SimpleNamespace(isatty=lambda: False, readline=lambda: next(lines))
    monkeypatch.setattr(sys, "stdin", stdin)
    monkeypatch.setattr(sys, "argv", ["secret", "dev"])

    secret.main()

    assert read()["STRIPE_API_KEY"] == "sk_hidden"
    printed = capsys.readouterr().out
    assert "STRIPE_WEBHOOK_SECRETS" in printed
    assert "hidden" not in printed.partition("created")[2]
