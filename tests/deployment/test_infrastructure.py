"""What an auditor would ask of the templates, asked of what is written in them."""

import json
import re
from itertools import chain

import pytest
from cfnlint.api import ManualArgs, lint
from django.db.backends.mysql.features import DatabaseFeatures

from deploy import rendering
from tests.deployment.infrastructure import FOLDER, TEMPLATES, template

STAGE = template("stage")
RESOURCES = STAGE["Resources"]
NAMES = [file.stem for file in TEMPLATES]
# Statements that allow something on every resource, and why nothing narrower exists.
ON_EVERYTHING = {
    "JoinTheNetwork": "Lambda makes its interfaces before they have a name",
    "SeeTheNetwork": "EC2's Describe actions know no resources",
    "FindSchedules": "ListRuleNamesByTarget knows no resources",
    "ReadMetrics": "metrics have no names",
}


def of_type(*types):
    return {
        name: resource
        for name, resource in RESOURCES.items()
        if resource["Type"] in types
    }


def problems_of(text):
    return lint(text, config=ManualArgs(regions=["eu-central-1"]))


def as_list(value):
    return value if isinstance(value, list) else [value]


def statements_of(resources):
    """Of every policy that gives something, with the resource it stands in."""
    for name, resource in resources.items():
        properties = resource.get("Properties", {})
        documents = [
            policy["PolicyDocument"] for policy in properties.get("Policies", [])
        ]
        if resource["Type"] != "AWS::S3::BucketPolicy":
            documents += [
                properties[key] for key in ("PolicyDocument",) if key in properties
            ]
        for document in documents:
            yield from ((name, statement) for statement in document["Statement"])


def statement(resource, sid):
    (found,) = (
        each
        for name, each in statements_of(RESOURCES)
        if (name, each.get("Sid")) == (resource, sid)
    )
    return found


@pytest.mark.parametrize("name", NAMES)
def test_cloudformation_would_take_the_template(name):
    assert problems_of((FOLDER / f"{name}.yaml").read_text()) == []


def test_the_linter_finds_what_is_wrong():
    broken = (
        (FOLDER / "stage.yaml").read_text().replace("BackupRetentionPeriod", "Backups")
    )

    assert problems_of(broken)


def test_a_template_is_no_larger_than_a_request_may_carry():
    assert all(file.stat().st_size < 51_200 for file in TEMPLATES)


def test_choices_name_parameters_and_allowed_values():
    choices = json.loads((FOLDER / "choices.json").read_text())

    for chosen in choices.values():
        for name, value in chosen.items():
            allowed = STAGE["Parameters"][name].get("AllowedValues", [value])
            assert value in [str(each) for each in allowed]
    assert set(choices) == set(STAGE["Parameters"]["Stage"]["AllowedValues"])


# Policies


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_allowed_everything(name):
    for where, each in statements_of(template(name)["Resources"]):
        actions = as_list(each["Action"])
        if each["Effect"] == "Allow":
            assert not [action for action in actions if action.endswith("*")], where


@pytest.mark.parametrize("name", NAMES)
def test_what_is_allowed_on_everything_is_listed_with_a_reason(name):
    unlisted = [
        (where, each.get("Sid"))
        for where, each in statements_of(template(name)["Resources"])
        if each["Effect"] == "Allow"
        and "*" in as_list(each["Resource"])
        and each.get("Sid") not in ON_EVERYTHING
    ]

    assert unlisted == []


def test_what_needs_no_exception_has_none():
    used = {
        each["Sid"]
        for _, each in statements_of(RESOURCES)
        if "Sid" in each and as_list(each["Resource"]) == ["*"]
    }

    assert used >= set(ON_EVERYTHING)


def test_a_functions_code_cannot_use_what_lambda_needs_for_the_network():
    denied = statement("ExecutionRole", "ButNotFromCode")

    assert (denied["Effect"], denied["Action"]) == ("Deny", "ec2:*")
    assert "lambda:SourceFunctionArn" in denied["Condition"]["ArnLike"]


def test_the_role_is_for_this_account_and_zappas_three_services():
    trust = RESOURCES["ExecutionRole"]["Properties"]["AssumeRolePolicyDocument"]

    (only,) = trust["Statement"]
    assert only["Principal"] == {
        "Service": [
            "lambda.amazonaws.com",
            "apigateway.amazonaws.com",
            "events.amazonaws.com",
        ]
    }
    assert "aws:SourceAccount" in only["Condition"]["StringEqualsIfExists"]


def test_a_deploy_passes_on_one_role_only():
    passed = statement("DeployPolicy", "RunAs")

    assert passed["Resource"] == {"Fn::GetAtt": ["ExecutionRole", "Arn"]}
    assert passed["Condition"]["StringEquals"]["iam:PassedToService"]


def test_a_deploy_makes_no_roles_and_reads_no_secrets():
    actions = set(
        chain.from_iterable(
            as_list(each["Action"])
            for name, each in statements_of(RESOURCES)
            if name == "DeployPolicy"
        )
    )

    assert not [
        action
        for action in actions
        if action.startswith(("iam:", "secretsmanager:", "rds:", "kms:"))
        and action != "iam:PassRole"
    ]


def test_a_deploy_changes_no_stage_but_its_own():
    reading = {"ReadStacks", "ReadOtherZips", "FindOtherZips", "SeeKeys"}
    # An API's id is not known before it is made: see the comment in the template.
    unnamed = {"Gateway"}
    for name, each in statements_of(RESOURCES):
        if name != "DeployPolicy" or each["Sid"] in (
            reading | unnamed | set(ON_EVERYTHING)
        ):
            continue
        for resource in as_list(each["Resource"]):
            text = json.dumps(resource)
            assert "${Stage}" in text or "Fn::GetAtt" in text or "DeployBucket" in text


def test_from_github_only_the_named_subject_deploys():
    _, github = RESOURCES["DeployRole"]["Properties"]["AssumeRolePolicyDocument"][
        "Statement"
    ][0]["Fn::If"][1:]

    assert github["Condition"]["StringEquals"] == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": {"Ref": "DeploySubject"},
    }


# Buckets


def test_buckets_are_private_encrypted_and_versioned():
    buckets = of_type("AWS::S3::Bucket")

    assert set(buckets) == {"DeployBucket", "MediaBucket"}
    for bucket in buckets.values():
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert len(properties["PublicAccessBlockConfiguration"]) == 4
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        assert bucket["DeletionPolicy"] == bucket["UpdateReplacePolicy"] == "Retain"


def test_every_bucket_is_spoken_to_over_tls_only():
    policies = of_type("AWS::S3::BucketPolicy")

    covered = {policy["Properties"]["Bucket"]["Ref"] for policy in policies.values()}
    assert covered == set(of_type("AWS::S3::Bucket"))
    for policy in policies.values():
        (only,) = policy["Properties"]["PolicyDocument"]["Statement"]
        bucket = policy["Properties"]["Bucket"]["Ref"]
        assert (only["Effect"], only["Principal"], only["Action"]) == (
            "Deny",
            "*",
            "s3:*",
        )
        assert only["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        assert only["Resource"] == [
            {"Fn::GetAtt": [bucket, "Arn"]},
            {"Fn::Sub": f"${{{bucket}.Arn}}/*"},
        ]


def test_inside_the_network_no_other_bucket_is_reached():
    endpoint = RESOURCES["BucketsFromInside"]["Properties"]

    (only,) = endpoint["PolicyDocument"]["Statement"]
    assert all("MediaBucket" in json.dumps(each) for each in only["Resource"])


# The database


@pytest.mark.parametrize("name", ["Rds", "Aurora"])
def test_the_database_is_encrypted_kept_and_not_deleted_by_mistake(name):
    database = RESOURCES[name]
    properties = database["Properties"]

    assert properties["StorageEncrypted"] is True
    assert properties["DeletionProtection"] == {"Fn::If": ["IsProd", True, False]}
    assert database["DeletionPolicy"] == database["UpdateReplacePolicy"] == "Snapshot"
    assert STAGE["Parameters"]["BackupDays"]["MinValue"] == 1
    assert properties["BackupRetentionPeriod"] == {"Ref": "BackupDays"}


@pytest.mark.parametrize("name", ["Rds", "AuroraInstance"])
def test_the_database_is_not_on_the_internet(name):
    properties = RESOURCES[name]["Properties"]
    subnets = RESOURCES["DatabaseSubnets"]["Properties"]["SubnetIds"]

    assert properties["PubliclyAccessible"] is False
    assert properties["DBSubnetGroupName"] == {"Ref": "DatabaseSubnets"}
    assert subnets == [{"Ref": "PrivateSubnetA"}, {"Ref": "PrivateSubnetB"}]


def test_nothing_private_has_a_route_from_the_internet():
    to_internet = [
        route["Properties"]["RouteTableId"]["Ref"]
        for route in of_type("AWS::EC2::Route").values()
        if "GatewayId" in route["Properties"]
    ]

    assert to_internet == ["PublicRoutes"]


@pytest.mark.parametrize("name", ["RdsParameters", "AuroraParameters"])
def test_the_database_takes_no_connection_without_tls(name):
    parameters = RESOURCES[name]["Properties"]["Parameters"]

    assert parameters["require_secure_transport"] == "ON"


@pytest.mark.parametrize("name", ["Rds", "Aurora"])
def test_django_takes_the_databases_version(name):
    connection = type("Connection", (), {"mysql_is_mariadb": False})
    wanted = DatabaseFeatures(connection()).minimum_database_version
    # Aurora's own numbers: 8.4.mysql_aurora.8.4.7.
    version = RESOURCES[name]["Properties"]["EngineVersion"]

    found = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", version).groups())
    assert found >= wanted


@pytest.mark.parametrize("name", ["Rds", "Aurora"])
def test_the_databases_password_is_generated_and_read_from_the_secret(name):
    password = RESOURCES[name]["Properties"]["MasterUserPassword"]["Fn::Sub"]
    generated = RESOURCES["Secret"]["Properties"]["GenerateSecretString"]

    assert password == (
        "{{resolve:secretsmanager:${Secret}:SecretString:DATABASE_PASSWORD}}"
    )
    assert generated["GenerateStringKey"] == "DATABASE_PASSWORD"
    assert generated["PasswordLength"] >= 32
    # RDS refuses some signs, and an address would have to escape others.
    assert generated["ExcludePunctuation"] is True
    assert set(json.loads(generated["SecretStringTemplate"])) == {
        "DATABASE_USER",
        "DATABASE_NAME",
    }


def test_all_functions_together_leave_the_smallest_database_connections():
    # RDS: memory in bytes / 12582880; of db.t4g.micro's GiB about 0.8 are MySQL's.
    connections = 1024**3 * 4 // 5 // 12_582_880
    settings = rendering.load()

    for stage in ("dev", "qa", "prod"):
        at_once = sum(
            rendering.effective(name, settings)["lambda_concurrency"]
            for name in (stage, f"{stage}_worker")
        )
        # Twice while a deploy overlaps: what is retired keeps its connection a while.
        assert at_once * 2 + 10 <= connections * 4 // 5


# Network


def test_security_groups_let_nobody_in_from_the_internet():
    for name, group in of_type("AWS::EC2::SecurityGroup").items():
        for rule in group["Properties"].get("SecurityGroupIngress", []):
            assert "SourceSecurityGroupId" in rule, name
            assert "CidrIp" not in rule, name


def test_what_may_go_out_to_the_internet_is_https_and_mail():
    for name, group in of_type("AWS::EC2::SecurityGroup").items():
        out = [
            rule
            for rule in group["Properties"]["SecurityGroupEgress"]
            if rule["CidrIp"] == "0.0.0.0/0"
        ]
        assert all(rule["IpProtocol"] == "tcp" for rule in out), name
        assert {json.dumps(rule["FromPort"]) for rule in out} <= {
            "443",
            '{"Ref": "MailPort"}',
        }, name


def test_the_way_out_asks_for_a_token_and_its_disk_is_encrypted():
    instance = RESOURCES["NatInstance"]["Properties"]

    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["SourceDestCheck"] is False
    assert all(disk["Ebs"]["Encrypted"] for disk in instance["BlockDeviceMappings"])


# What is seen


def test_both_functions_have_logs_that_are_forgotten_in_time():
    logs = of_type("AWS::Logs::LogGroup")

    assert {log["Properties"]["LogGroupName"]["Fn::Sub"] for log in logs.values()} == {
        "/aws/lambda/paymyinvoice-${Stage}",
        "/aws/lambda/paymyinvoice-${Stage}-worker",
    }
    for log in logs.values():
        assert log["Properties"]["RetentionInDays"] == {"Ref": "LogDays"}
    assert min(STAGE["Parameters"]["LogDays"]["AllowedValues"]) > 0


def test_every_alarm_tells_somebody_and_says_what_happened():
    alarms = of_type("AWS::CloudWatch::Alarm")

    assert len(alarms) >= 12
    for name, alarm in alarms.items():
        properties = alarm["Properties"]
        assert properties["AlarmActions"] == [{"Ref": "Alarms"}], name
        assert properties["AlarmDescription"], name
        assert alarm["Condition"].endswith(("Alarms", "Alarm")), name


def test_both_functions_are_watched_for_each_way_to_fail():
    watched = {
        (each["Dimensions"][0]["Value"]["Fn::Sub"], each["MetricName"])
        for each in (
            alarm["Properties"] for alarm in of_type("AWS::CloudWatch::Alarm").values()
        )
        if each["Namespace"] == "AWS/Lambda"
    }

    web, worker = "paymyinvoice-${Stage}", "paymyinvoice-${Stage}-worker"
    ways = ("Errors", "Throttles", "Duration")
    assert watched == {(name, way) for name in (web, worker) for way in ways} | {
        (worker, "Invocations")
    }


@pytest.mark.parametrize(
    ("alarm", "stage"), [("WebDuration", "prod"), ("WorkerDuration", "prod_worker")]
)
def test_somebody_is_told_before_the_time_is_out(alarm, stage):
    threshold = RESOURCES[alarm]["Properties"]["Threshold"]
    allowed = rendering.effective(stage, rendering.load())["timeout_seconds"] * 1000

    assert allowed * 0.75 <= threshold <= allowed * 0.85


def test_a_schedule_that_stopped_is_noticed_after_three_of_its_times():
    alarm = RESOURCES["SchedulesStopped"]["Properties"]
    settings = rendering.load()
    rates = {
        stage: settings[f"{stage}_worker"]["events"][0]["expression"]
        for stage in ("dev", "qa", "prod")
    }

    assert rates == {
        "dev": "rate(6 hours)",
        "qa": "rate(6 hours)",
        "prod": "rate(5 minutes)",
    }
    assert alarm["Period"] == {"Fn::If": ["IsProd", 3 * 5 * 60, 3 * 6 * 3600]}
    assert alarm["TreatMissingData"] == "breaching"


def test_prod_is_not_made_without_somebody_to_tell():
    rule = STAGE["Rules"]["SomebodyIsTold"]

    assert rule["RuleCondition"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    assert rule["Assertions"][0]["Assert"] == {
        "Fn::Not": [{"Fn::Equals": [{"Ref": "AlarmEmail"}, ""]}]
    }


# Outputs


def test_outputs_are_what_rendering_reads_and_no_secret():
    outputs = STAGE["Outputs"]

    assert set(outputs) == {
        *rendering.NEEDED,
        *rendering.WELCOME,
        "DeployRoleArn",
    } - {"SiteUrl"}
    assert outputs["SecretsArn"]["Value"] == {"Ref": "Secret"}
    assert "resolve:" not in json.dumps(outputs)


def test_only_a_database_that_pauses_is_let_go_after_each_request():
    outputs = STAGE["Outputs"]

    assert outputs["ConnectionMaxAge"]["Value"] == {"Fn::If": ["IsAurora", "0", "300"]}
    assert (
        RESOURCES["Aurora"]["Properties"]["ServerlessV2ScalingConfiguration"][
            "MinCapacity"
        ]
        == 0
    )


def test_a_domain_speaks_no_old_tls_and_leads_to_its_stage():
    resources = template("domain")["Resources"]

    assert resources["Name"]["Properties"]["SecurityPolicy"] == "TLS_1_2"
    assert resources["LeadsToStage"]["Properties"] == {
        "DomainName": {"Ref": "Name"},
        "RestApiId": {"Ref": "ApiId"},
        "Stage": {"Ref": "Stage"},
    }


def test_an_account_has_a_budget_that_somebody_hears_of():
    budget = template("account")["Resources"]["Budget"]["Properties"]

    kinds = {
        each["Notification"]["NotificationType"]
        for each in budget["NotificationsWithSubscribers"]
    }
    assert kinds == {"ACTUAL", "FORECASTED"}
