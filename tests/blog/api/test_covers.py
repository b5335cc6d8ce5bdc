import io

import pytest
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile

from blog.models import Post
from tests.factories import PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db

POSTS = "/api/v1/posts/"
NEW = {"title": "How we invoice", "body": "Some *words*."}


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_a_cover_comes_as_a_form(as_user, author, photo):
    response = as_user(author).post(
        POSTS,
        NEW | {"tags": ["tax", "law"], "cover": photo, "cover_alt": "A desk."},
        format="multipart",
    )

    assert response.status_code == 201
    post = Post.objects.get()
    assert response.json()["cover"] == f"http://localhost:8000{post.cover_url}"
    assert post.comments_open is True
    assert post.tags.count() == 2


def test_a_cover_under_a_key_is_stored_if_a_post_came_of_it(as_user, author, photo):
    """Before the key's transaction opens; `tests.asking` would fail this."""

    def write(client, key="a key", **said):
        photo.seek(0)
        body = NEW | {"cover": photo, "cover_alt": "A desk."} | said
        headers = {"Idempotency-Key": key}
        return client.post(POSTS, body, format="multipart", headers=headers)

    first, again = write(as_user(author)), write(as_user(author))
    assert (first.status_code, again.content) == (201, first.content)
    assert write(as_user(author), title="Another").status_code == 422
    assert write(as_user(author), "another", title="").status_code == 400
    assert write(as_user(UserFactory())).status_code == 403
    assert len(default_storage.listdir("covers")[1]) == Post.objects.count() == 1


def test_a_cover_alone_is_changed_and_taken_away(as_user, author, photo):
    post = PostFactory(slug="one", author=author, cover_alt="A desk.")
    client = as_user(author)
    post.tags.add(TagFactory(name="tax"))

    put_on = client.patch(f"{POSTS}one/", {"cover": photo}, format="multipart")
    assert put_on.json()["cover"]
    assert put_on.json()["tags"] == ["tax"]

    taken_off = client.patch(f"{POSTS}one/", {"cover": None})
    assert taken_off.json()["cover"] is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"not an image", "no picture that can be read"),
        (b"<svg onload='alert(1)'/>", "no picture that can be read"),
        (b"\0" * (4 * 1024 * 1024 + 1), "up to 4 MB"),
    ],
)
def test_an_upload_that_is_no_image_is_refused(as_user, author, content, sentence):
    upload = SimpleUploadedFile("cover.png", content, "image/png")

    response = as_user(author).post(
        POSTS, NEW | {"cover": upload, "cover_alt": "A desk."}, format="multipart"
    )

    assert problem(response) == (400, "invalid_image")
    assert sentence in response.json()["detail"]
    assert not Post.objects.exists()


def test_a_cover_without_description_is_refused_at_that_field(as_user, author, photo):
    response = as_user(author).post(POSTS, NEW | {"cover": photo}, format="multipart")

    assert problem(response) == (400, "invalid")
    assert list(response.json()["errors"]) == ["cover_alt"]


def test_an_empty_upload_is_refused(as_user, author):
    empty = io.BytesIO(b"")
    empty.name = "cover.png"

    response = as_user(author).post(
        POSTS, NEW | {"cover": empty, "cover_alt": "A desk."}, format="multipart"
    )

    assert problem(response) == (400, "invalid")
