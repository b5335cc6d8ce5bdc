import base64
import json
import sqlite3
from contextlib import closing

import pytest

from tests import invoke, laptop


def readable(answer):
    return list(invoke._readable(json.dumps(answer).encode()))


def test_an_answer_to_http_reads_like_http():
    answer = {
        "statusCode": 200,
        "multiValueHeaders": {"Content-Type": ["application/json"]},
        "body": '{"a":1}',
        "isBase64Encoded": False,
    }

    assert readable(answer) == [
        "HTTP 200",
        "Content-Type: application/json",
        "",
        "{",
        '  "a": 1',
        "}",
    ]


def test_cookies_of_every_form_are_shown():
    answer = {"statusCode": 204, "headers": {"A": "1"}, "cookies": ["b=2"], "body": ""}

    assert readable(answer) == ["HTTP 204", "A: 1", "Set-Cookie: b=2", ""]


def test_bytes_are_counted_and_a_long_page_is_cut():
    picture = base64.b64encode(b"\xff" * 5).decode()
    page = "\n".join(["<p>"] * (invoke.LINES + 3))

    assert (
        readable({"statusCode": 200, "body": picture, "isBase64Encoded": True})[-1]
        == "(5 bytes that are no text)"
    )
    assert readable({"statusCode": 200, "body": page})[-1] == "… and 3 lines more"


def test_what_other_events_return_is_shown_as_it_is():
    assert readable({"batchItemFailures": []}) == ['{\n  "batchItemFailures": []\n}']


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("START RequestId: 1", "START RequestId: 1"),
        ('{"level": "INFO", "message": "done", "queries": 1}', "INFO done"),
        (
            '{"level": "ERROR", "message": "no", "traceback": "a\\nb"}',
            "ERROR no\n    a\n    b",
        ),
        ('["a list"]', '["a list"]'),
    ],
)
def test_a_line_of_log_is_shown_as_a_sentence(line, shown):
    assert invoke._line_of_log(line) == shown


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_what_is_no_event_is_refused_with_a_sentence(tmp_path, content):
    file = tmp_path / "event.json"
    if content is not None:
        file.write_text(content)

    with pytest.raises(SystemExit, match=r"event\.json is no event"):
        invoke._read(file)


def test_the_laptops_database_is_copied_and_not_touched(tmp_path, monkeypatch):
    monkeypatch.setattr(laptop, "DATABASE", tmp_path / "laptop.sqlite3")
    with closing(sqlite3.connect(laptop.DATABASE)) as database:
        database.execute("CREATE TABLE kept (id)")

    url = invoke._copy_of_laptop(tmp_path)

    assert url == f"sqlite:///{tmp_path}/db.sqlite3"
    with closing(sqlite3.connect(tmp_path / "db.sqlite3")) as copy:
        assert copy.execute("SELECT name FROM sqlite_master").fetchall() == [("kept",)]
