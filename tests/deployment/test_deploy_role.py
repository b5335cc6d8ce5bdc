"""The deploy role may do what a deploy does: recorded from real ones, nothing more."""

from datetime import UTC, datetime, timedelta

import boto3
import pytest

from deploy import changing, watching
from deploy.progress import Progress
from deploy.stage import load
from tests.deployment.infrastructure import template
from tests.deployment.stages import Builder, account, deploy

pytestmark = pytest.mark.package

# What a call is called as a permission, where that differs.
PERMISSIONS = {
    ("s3", "HeadBucket"): "s3:ListBucket",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "CreateMultipartUpload"): "s3:PutObject",
    ("s3", "UploadPart"): "s3:PutObject",
    ("s3", "CompleteMultipartUpload"): "s3:PutObject",
}
# Everybody may ask who they are.
FOR_EVERYBODY = {"sts:GetCallerIdentity"}
# What no emulated AWS asks for, and why the real one does.
NOT_RECORDED = {
    "apigateway:DELETE": "CloudFormation acts in the name of who asks it",
    "apigateway:PUT": "CloudFormation acts in the name of who asks it",
    "cloudformation:ListStackResources": "Zappa, while the stack is being made",
    "cloudwatch:GetMetricStatistics": "`zappa status`, typed by hand",
    "ec2:DescribeSecurityGroups": "within CreateFunction, for one in a network",
    "ec2:DescribeSubnets": "within CreateFunction, for one in a network",
    "ec2:DescribeVpcs": "within CreateFunction, for one in a network",
    "iam:PassRole": "within CreateFunction, PutRule and API Gateway's integrations",
    "lambda:PublishVersion": "within UpdateFunctionCode, which publishes",
    "s3:AbortMultipartUpload": "when an upload is broken off",
}


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Of a stage's life: first deploy, update (a rollback is one), a look, removal."""
    build = Builder(tmp_path_factory.mktemp("zips"))
    with account() as aws:
        before = len(aws.calls)
        deploy("qa", build("first"))
        deploy("qa", build("second"))
        now = datetime.now(UTC)
        list(watching.status(load("qa"), now))
        list(watching.logs(load("qa"), now - timedelta(hours=1), follow=False))
        with changing.hold(load("qa"), Progress()) as change:
            changing.undeploy(change)
        return set(aws.calls[before:])


@pytest.fixture(scope="module")
def allowed():
    policy = template("stage")["Resources"]["DeployPolicy"]["Properties"]
    actions = set()
    for statement in policy["PolicyDocument"]["Statement"]:
        named = statement["Action"]
        actions |= {named} if isinstance(named, str) else set(named)
    return actions


def permission(service, action):
    if service == "apigateway":
        # Its permissions are HTTP's verbs.
        model = boto3.client(service, region_name="eu-central-1").meta.service_model
        return f"{service}:{model.operation_model(action).http['method']}"
    return PERMISSIONS.get((service, action), f"{service}:{action}")


def test_the_deploy_role_may_do_all_that_a_deploy_does(calls, allowed):
    needed = {permission(*call) for call in calls}

    assert "lambda:CreateFunction" in needed
    assert "cloudformation:DeleteStack" in needed
    assert needed - allowed == FOR_EVERYBODY


def test_the_deploy_role_may_do_nothing_else(calls, allowed):
    needed = {permission(*call) for call in calls}

    assert allowed - needed == set(NOT_RECORDED)
