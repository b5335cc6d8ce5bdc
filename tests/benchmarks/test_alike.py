import base64
import json

import pytest

from benchmarks import alike

POST = {
    "id": "00000000-0000-4000-8000-000000000001",
    "title": "One",
    "comment_count": 3,
    "created_at": "2024-01-01T09:00:00Z",
    "revised_at": "2024-01-01T09:00:00Z",
}


def answer(content, status=200, encoded=False):
    body = json.dumps(content)
    if encoded:
        body = base64.b64encode(body.encode()).decode()
    response = {"body": body, "isBase64Encoded": encoded}
    return {"status": status, "response": response}


def page(**changed):
    return {"next": "somewhere", "results": [POST | changed]}


@pytest.mark.parametrize(
    "changed",
    [
        {"title": "Another"},
        {"comment_count": 4},
        {"comment_count": None},
        {"created_at": "2024-01-01T09:00:01Z"},
        {"more": True},
    ],
)
def test_compare_refuses_an_answer_that_differs(changed):
    expected = alike.comparable(answer(page()), "list")
    found = alike.comparable(answer(page(**changed)), "list")

    with pytest.raises(
        alike.Unlike, match=f"there, content, results, 0, {next(iter(changed))}"
    ):
        alike.compare(expected, found, "there")


def test_compare_refuses_a_row_too_few():
    with pytest.raises(alike.Unlike, match="length: 0 instead of 1"):
        alike.compare([POST], [], "there")


def test_compare_refuses_another_status():
    expected = alike.comparable(answer({}, status=404), "no such post")
    found = alike.comparable(answer({}, status=400), "no such post")

    with pytest.raises(alike.Unlike, match="status: 400 instead of 404"):
        alike.compare(expected, found, "there")


def test_what_is_each_targets_own_may_differ():
    expected = alike.comparable(answer(page()), "list")
    other = page(created_at="2024-01-01T09:00:00.000+00:00") | {"next": "elsewhere"}

    alike.compare(expected, alike.comparable(answer(other), "list"), "there")


def test_an_answer_may_come_encoded():
    plain = alike.comparable(answer(page()), "list")

    assert alike.comparable(answer(page(), encoded=True), "list") == plain


def test_what_is_made_now_is_compared_by_its_shape():
    made = POST | {"id": "8d4dd1b5-95c5-4f1d-8c9e-6a9f0a3f1c11"}
    expected = alike.comparable(answer(POST, status=201), "created")

    alike.compare(
        expected, alike.comparable(answer(made, status=201), "created"), "there"
    )
    with pytest.raises(alike.Unlike, match="neither key nor moment: 7"):
        alike.compare(
            expected,
            alike.comparable(answer(POST | {"id": 7}, status=201), "created"),
            "there",
        )


def test_strangers_and_drafts_are_among_the_questions():
    asked = alike.questions(["a-key"])

    assert "Authorization" not in asked["created without a key"]["headers"]
    assert asked["created"]["headers"]["Authorization"] == "Token a-key"
    assert asked["created, and read as a stranger"]["path"].endswith(
        f"/written-by-call-{alike.NUMBER}/"
    )
