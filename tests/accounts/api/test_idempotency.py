"""Keys, wishes and kept answers, without a database."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.test.client import encode_multipart
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts.api import idempotency
from accounts.exceptions import InvalidKey

WISH = {"name": "Acme", "tags": ["a", "b"]}


def request(body=WISH, path="/customers/", key="a key", **more):
    more = more or {"format": "json"}
    headers = {"Idempotency-Key": key}
    made = APIRequestFactory().post(path, body, headers=headers, **more)
    return Request(made, parsers=[JSONParser(), MultiPartParser()])


def wish(*said, **more):
    return idempotency.wish_of(request(*said, **more))


def form(content=b"jpeg", name="photo.jpg", **fields):
    photo = SimpleUploadedFile(name, content, "image/jpeg")
    return {"title": "One", "cover": photo} | fields


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ("8e03978e-40d5-43e8", "8e03978e-40d5-43e8"),
        ('"8e03978e-40d5-43e8"', "8e03978e-40d5-43e8"),
        (r'"a \"key\" \\"', r'a "key" \ '.strip()),
        ("invoice 17, first", "invoice 17, first"),
        (" a ", "a"),
        ("x" * 255, "x" * 255),
    ],
)
def test_a_key_is_bare_or_in_quotation_marks(written, key):
    assert idempotency.key_of(request(key=written)) == key


@pytest.mark.parametrize(
    "written", ["", " ", '""', '"half', '"a";b=1', "x" * 256, "é", "a\x7f", "a\tb"]
)
def test_what_is_no_key_is_refused_with_a_sentence(written):
    with pytest.raises(InvalidKey, match="has 1 to 255 letters"):
        idempotency.key_of(request(key=written))


def test_the_same_json_is_the_same_wish():
    body = json.dumps({"tags": ["a", "b"], "name": "Acme"}, indent=2)

    assert wish(body, content_type="application/json") == wish()


def test_the_same_form_is_the_same_wish_and_is_read_afterwards():
    asked = request(form(), format="multipart")
    again = encode_multipart("another-boundary", form())

    assert idempotency.wish_of(asked) == wish(
        again, content_type="multipart/form-data; boundary=another-boundary"
    )
    assert asked.data["cover"].read() == b"jpeg"


@pytest.mark.parametrize(
    "other",
    [
        {"body": WISH | {"name": "acme"}},
        {"body": WISH | {"tags": ["b", "a"]}},
        {"body": None},
        {"path": "/customers/?page=2"},
        {"path": "/items/"},
    ],
)
def test_anything_else_is_another_wish(other):
    assert wish(**other) != wish()


@pytest.mark.parametrize(
    "other", [form(b"JPEG"), form(name="b.jpg"), form(title="Two"), form(more="")]
)
def test_another_form_is_another_wish(other):
    assert wish(other, format="multipart") != wish(form(), format="multipart")


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a": 1}\n', {"Content-Type": "application/json", "Location": "/a/"}),
        (b"%PDF\n\n\xff", {"Content-Type": "application/pdf", "ETag": '"1"'}),
        (b"", {}),
    ],
)
def test_an_answer_comes_back_as_it_was(body, headers):
    first = HttpResponse(body, status=203)
    del first["Content-Type"]
    for name, value in headers.items():
        first[name] = value

    again = idempotency.replayed(idempotency.packed(first))

    assert (again.status_code, again.content) == (203, body)
    assert dict(again.items()) == headers | {"Idempotent-Replayed": "true"}
