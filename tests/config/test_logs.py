import json
import logging
import os
import re
import subprocess
import sys

import pytest
from django.conf import settings

from config.logs import JsonLines, request_id
from tests.config.test_settings import stage_environment

TOKEN = "ntOpH_Dl11sK1_9j5uA0RJxYJqCbzKgj"


@pytest.mark.django_db
@pytest.mark.parametrize("path", [f"/i/{TOKEN}/", f"/accounts/invitations/{TOKEN}/"])
def test_a_refused_link_is_not_told_to_the_log(client, caplog, path):
    with caplog.at_level(logging.WARNING, logger="django.request"):
        client.get(path)

    told = [message.partition(": ")[2] for message in caplog.messages]
    assert told == [path.replace(TOKEN, "…")]


@pytest.mark.parametrize(
    "path",
    [
        f"/accounts/password/reset/key/1-{TOKEN}/",
        f"/accounts/confirm-email/MQ:{TOKEN}:1/",
    ],
)
def test_nor_is_one_that_opens_an_account(caplog, path):
    logging.getLogger("django.request").error("Internal Server Error: %s", path)

    assert caplog.messages == [
        f"Internal Server Error: {re.sub(f'[^/]*{TOKEN}[^/]*', '…', path)}"
    ]


def test_other_lines_are_left_as_they_are(caplog):
    logging.getLogger("django.request").warning("%s took %d s", "/blog/", 3)
    logging.getLogger("django.request").warning("nothing")

    assert caplog.messages == ["/blog/ took 3 s", "nothing"]


def written(code, **environment):
    """What a process with these variables, and awslambdaric's handler, writes."""
    result = subprocess.run(
        [sys.executable, "-c", f"{AS_THE_RUNTIME}\n{code}"],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return result.stdout, result.stderr


# Lambda's runtime adds its own handler first, and loads the function after that.
AS_THE_RUNTIME = """
import logging, os, sys
from awslambdaric import bootstrap
sys.stdout = bootstrap.Unbuffered(sys.stdout)
bootstrap._setup_logging(bootstrap.LogFormat.from_str(None), None, bootstrap.StandardLogSink())
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
"""


def test_on_a_stage_each_line_is_one_object_and_is_written_once():
    out, err = written(
        "logging.getLogger('a').warning('%s\\nand more', 'one', extra={'kept': 1})",
        **stage_environment(),
    )

    (line,) = out.splitlines()
    told = json.loads(line)
    assert told == {
        "level": "WARNING",
        "logger": "a",
        "message": "one\nand more",
        "request_id": "",
        "kept": 1,
    }
    assert err == ""


def test_on_a_laptop_lines_are_text():
    out, err = written("logging.getLogger('a').warning('one')")

    assert (out, err) == ("", "one\n")


def test_the_line_of_a_call_is_told_whatever_the_level():
    code = "from config import invocations\nwith invocations.recorded(None): pass"

    out, _ = written(code, **stage_environment(), LOG_LEVEL="ERROR")

    assert json.loads(out)["kind"] == "unroutable"


def line_of(message, *args, **more):
    record = logging.makeLogRecord(
        {"name": "a", "msg": message, "args": args, "levelname": "ERROR", **more}
    )
    return json.loads(JsonLines().format(record))


def failure(message):
    try:
        int(message)
    except ValueError:
        return sys.exc_info()


def test_a_traceback_names_file_and_line():
    told = line_of("it failed", exc_info=failure("no"))

    assert re.search(rf'File "{__file__}", line \d+', told["traceback"])
    assert told["traceback"].splitlines()[-1].startswith("ValueError: ")


def test_a_line_names_the_invocation():
    token = request_id.set("e1a9")

    told = line_of("hello")

    request_id.reset(token)
    assert told["request_id"] == "e1a9"


def test_secret_links_are_hidden_wherever_they_are(rf):
    told = line_of(
        "see %s",
        f"/i/{TOKEN}/",
        exc_info=failure(f"at /i/{TOKEN}/"),
        next=f"/accounts/invitations/{TOKEN}/",
        request=rf.get(f"/i/{TOKEN}/"),
    )

    assert TOKEN not in str(told)
    assert (told["message"], told["next"]) == ("see /i/…/", "/accounts/invitations/…/")
    assert "request" not in told
