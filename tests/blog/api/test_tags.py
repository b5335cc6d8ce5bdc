import pytest

from tests.factories import PostFactory, TagFactory

pytestmark = pytest.mark.django_db

TAGS = "/api/v1/tags/"


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def test_tags_of_published_posts_are_listed_and_read(as_user):
    tag = TagFactory(name="tax law", slug="tax-law")
    PostFactory(published=True).tags.add(tag)
    PostFactory().tags.add(tag, TagFactory(slug="drafted"))

    row = {
        "id": str(tag.public_id),
        "name": "tax law",
        "slug": "tax-law",
        "post_count": 1,
    }
    assert as_user().get(TAGS).json()["results"] == [row]
    assert as_user().get(f"{TAGS}tax-law/").json() == row
    assert as_user().get(f"{TAGS}drafted/").status_code == 404


def test_tags_are_made_by_posts_alone(as_user, author):
    assert problem(as_user(author).post(TAGS, {"name": "x"})) == (
        405,
        "method_not_allowed",
    )
