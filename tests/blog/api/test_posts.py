import json

import pytest

from accounts.models import Event
from blog.models import Post
from blog.states import PostStatus
from tests.factories import (
    CommentFactory,
    MembershipFactory,
    PostFactory,
    TagFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

POSTS = "/api/v1/posts/"
NEW = {"title": "How we invoice", "body": "Some *words*."}


def member(role):
    return MembershipFactory(role=role).user


def slugs(response):
    return [row["slug"] for row in response.json()["results"]]


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


# Reading posts


def test_posts_are_listed_newest_first_with_author_and_comment_count(as_user):
    old = PostFactory(published=True)
    new = CommentFactory(
        post=PostFactory(published=True, title="New", slug="new"), approved=True
    ).post
    CommentFactory(post=new)
    new.tags.add(TagFactory(name="tax"))

    response = as_user().get(POSTS)

    assert slugs(response) == ["new", old.slug]
    assert response.json()["results"][0] == {
        "id": str(new.public_id),
        "slug": "new",
        "url": "http://localhost:8000/blog/new/",
        "status": "published",
        "title": "New",
        "excerpt": "",
        "summary": "Text.",
        "author": {
            "username": new.author.username,
            "full_name": new.author.full_name,
        },
        "tags": ["tax"],
        "cover": None,
        "cover_alt": "",
        "comments_open": True,
        "comment_count": 1,
        "published_at": "2026-02-01T08:00:00Z",
        "revised_at": "2026-02-01T08:00:00Z",
        "created_at": response.json()["results"][0]["created_at"],
    }


def test_posts_come_ten_a_page(as_user):
    PostFactory.create_batch(11, published=True)

    first = as_user().get(POSTS)
    second = as_user().get(first.json()["next"])

    assert (len(slugs(first)), len(slugs(second))) == (10, 1)
    assert second.json()["next"] is None


@pytest.mark.parametrize("role", [None, "author", "owner"])
def test_a_list_of_posts_needs_as_many_queries_for_three_as_for_one(
    count_queries, role
):
    user = member(role) if role else None

    def add():
        post = PostFactory(published=True)
        post.tags.add(TagFactory())
        CommentFactory(post=post, approved=True)

    add()
    for_one = count_queries(POSTS, user)
    add()
    add()

    assert count_queries(POSTS, user) == for_one


def test_posts_are_filtered_by_author_tag_and_status(as_user):
    owner = member("owner")
    draft = PostFactory(slug="draft")
    tagged = PostFactory(slug="tagged", published=True)
    tagged.tags.add(TagFactory(slug="tax"))
    client = as_user(owner)

    assert slugs(client.get(POSTS, {"author": draft.author.username})) == ["draft"]
    assert slugs(client.get(POSTS, {"tag": "tax"})) == ["tagged"]
    assert slugs(client.get(POSTS, {"status": "draft"})) == ["draft"]
    assert problem(client.get(POSTS, {"status": "lost"})) == (400, "invalid")


def test_a_post_is_read_with_its_text(as_user):
    PostFactory(slug="one", published=True)

    found = as_user().get(f"{POSTS}one/").json()

    assert (found["body"], found["body_html"]) == ("Text.", "<p>Text.</p>")
    assert found["comment_count"] == 0


@pytest.mark.parametrize("role", [None, "viewer", "accountant", "author"])
def test_foreign_drafts_are_not_found(as_user, role):
    PostFactory(slug="one")
    client = as_user(member(role) if role else None)

    assert slugs(client.get(POSTS)) == []
    assert problem(client.get(f"{POSTS}one/")) == (404, "not_found")


def test_drafts_are_read_by_their_author_and_by_owners(as_user):
    post = PostFactory(slug="one")

    for user in (post.author, member("owner"), UserFactory(is_superuser=True)):
        assert slugs(as_user(user).get(POSTS)) == ["one"]
        assert as_user(user).get(f"{POSTS}one/").status_code == 200


# Writing posts


def test_an_author_writes_a_draft(as_user, author):
    response = as_user(author).post(POSTS, NEW | {"tags": ["Tax", "law"]})

    assert response.status_code == 201
    body = response.json()
    assert body["status"] == "draft"
    assert body["slug"] == "how-we-invoice"
    assert body["body_html"] == "<p>Some <em>words</em>.</p>\n"
    assert body["tags"] == ["law", "tax"]
    assert body["comments_open"] is True
    post = Post.objects.get()
    assert (post.author, post.public_id.hex) == (author, body["id"].replace("-", ""))
    assert Event.objects.get().actor == author


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("owner", (201, None)),
        ("author", (201, None)),
        ("accountant", (403, "permission_denied")),
        ("viewer", (403, "permission_denied")),
        (None, (401, "not_authenticated")),
    ],
)
def test_who_may_write_posts(as_user, role, expected):
    response = as_user(member(role) if role else None).post(POSTS, NEW)

    assert (response.status_code, response.json().get("code")) == expected
    assert Post.objects.exists() is (expected[0] == 201)


def test_an_owner_of_a_business_that_does_not_publish_writes_nothing(as_user):
    stranger = MembershipFactory(role="owner", business__publishes=False).user

    assert problem(as_user(stranger).post(POSTS, NEW)) == (403, "permission_denied")


def test_a_script_in_a_post_is_not_stored_as_html(as_user, author):
    response = as_user(author).post(
        POSTS, NEW | {"body": "Hi <img src=x onerror=alert(1)><script>x</script>"}
    )

    assert response.json()["body_html"] == '<p>Hi <img src="x"></p>\n'


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"title": "a\x00b"}, "title"),
        ({"body": "x" * 100_001}, "body"),
        ({"excerpt": "x" * 301}, "excerpt"),
        ({"tags": "tax"}, "tags"),
        ({"tags": ["x" * 51]}, "tags"),
        ({"tags": [str(n) for n in range(11)]}, "tags"),
        ({"comments_open": "perhaps"}, "comments_open"),
    ],
)
def test_a_post_that_does_not_fit_is_refused_by_field(as_user, author, fields, where):
    response = as_user(author).post(POSTS, NEW | fields)

    assert problem(response) == (400, "invalid")
    assert list(response.json()["errors"]) == [where]
    assert not Post.objects.exists()


@pytest.mark.parametrize("field", ["title", "body", "excerpt"])
def test_half_a_surrogate_pair_is_refused_by_field(as_user, author, field):
    body = json.dumps({"title": "One", field: "a \ud800 b"})

    response = as_user(author).post(POSTS, body, content_type="application/json")

    assert problem(response) == (400, "invalid")
    assert response.json()["errors"][field] == [
        "Surrogate characters are not allowed: U+D800."
    ]


def test_malformed_json_is_refused(as_user, author):
    response = as_user(author).post(POSTS, "{", content_type="application/json")

    assert problem(response) == (400, "parse_error")


def test_patch_changes_what_it_names(as_user, author):
    PostFactory(slug="one", author=author, published=True, comments_open=False)

    response = as_user(author).patch(f"{POSTS}one/", {"title": "Another"})

    body = response.json()
    assert (body["title"], body["body"], body["slug"]) == ("Another", "Text.", "one")
    assert body["comments_open"] is False


def test_put_replaces_the_texts(as_user, author):
    PostFactory(slug="one", author=author, published=True)

    response = as_user(author).put(f"{POSTS}one/", NEW)
    without_title = as_user(author).put(f"{POSTS}one/", {"body": "x"})

    assert response.json()["body"] == NEW["body"]
    assert problem(without_title) == (400, "invalid")


def test_a_post_is_published_taken_back_and_deleted(as_user, author):
    PostFactory(slug="one", author=author)
    client = as_user(author)

    assert client.post(f"{POSTS}one/publish/").json()["status"] == "published"
    assert problem(client.post(f"{POSTS}one/publish/")) == (409, "invalid_transition")
    assert client.post(f"{POSTS}one/unpublish/").json()["status"] == "draft"
    assert client.delete(f"{POSTS}one/").status_code == 204
    assert not Post.objects.exists()


def test_a_post_without_text_is_not_published(as_user, author):
    PostFactory(slug="one", author=author, body="", body_html="")

    refused = as_user(author).post(f"{POSTS}one/publish/")

    assert problem(refused) == (409, "nothing_to_publish")
    assert Post.objects.get().status == PostStatus.DRAFT


CHANGES = [
    ("patch", "", {"title": "Mine"}),
    ("put", "", NEW),
    ("delete", "", None),
    ("post", "unpublish/", None),
]


@pytest.mark.parametrize(("method", "path", "data"), CHANGES)
@pytest.mark.parametrize(
    ("role", "expected"),
    [
        (None, (401, "not_authenticated")),
        ("viewer", (403, "permission_denied")),
        ("accountant", (403, "permission_denied")),
        ("author", (403, "permission_denied")),
    ],
)
def test_a_published_post_is_changed_by_nobody_else(
    as_user, role, expected, method, path, data
):
    before = PostFactory(slug="one", published=True)

    send = getattr(as_user(member(role) if role else None), method)
    response = send(f"{POSTS}one/{path}", data)

    assert problem(response) == expected
    after = Post.objects.get()
    assert (after.title, after.status) == (before.title, before.status)


@pytest.mark.parametrize(("method", "path", "data"), CHANGES)
def test_a_published_post_is_changed_by_an_owner(as_user, method, path, data):
    PostFactory(slug="one", published=True)

    send = getattr(as_user(member("owner")), method)

    assert send(f"{POSTS}one/{path}", data).status_code in {200, 204}


def test_a_foreign_draft_is_not_found_by_who_would_change_it(as_user, author):
    PostFactory(slug="one")
    client = as_user(author)

    assert client.patch(f"{POSTS}one/", NEW).status_code == 404
    assert client.delete(f"{POSTS}one/").status_code == 404
    assert client.post(f"{POSTS}one/publish/").status_code == 404
