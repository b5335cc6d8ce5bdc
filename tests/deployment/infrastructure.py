"""The infrastructure's templates: as data, and as much of one as moto can make."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "deploy" / "infrastructure"
TEMPLATES = sorted(FOLDER.glob("*.yaml"))

type Template = dict[str, Any]


def template(name: str) -> Template:
    """With every tag in its long form: `{"Ref": …}`, `{"Fn::Sub": …}`."""
    from cfnlint import decode  # noqa: PLC0415 - takes seconds; collecting needs none

    content, problems = decode.decode(str(FOLDER / f"{name}.yaml"))
    assert not problems
    plain: Template = json.loads(json.dumps(content))
    return plain


def for_moto(name: str, *, secret: str) -> str:
    """
    The template without what moto's CloudFormation lacks. Of the two databases it can
    make only the one that is always on.

    :param secret: the ARN of one that stands for the stage's, which moto cannot make
    """
    from moto.cloudformation.parsing import (  # noqa: PLC0415 - as above
        resource_class_from_type,
    )

    content = template(name)
    content["Resources"] = {
        logical: resource
        for logical, resource in content["Resources"].items()
        if resource_class_from_type(resource["Type"])
        and resource.get("Properties", {}).get("Engine") != "aurora-mysql"
    }
    for resource in content["Resources"].values():
        # It does not take the name of a group that it made itself.
        resource.get("Properties", {}).pop("DBParameterGroupName", None)
    text = json.dumps(content).replace('{"Ref": "Secret"}', json.dumps(secret))
    return text.replace("${Secret}", secret)
