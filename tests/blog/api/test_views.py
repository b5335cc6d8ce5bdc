import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import Event
from blog.models import Comment, Post
from blog.services import comments as comment_services
from blog.states import CommentStatus, PostStatus
from tests.factories import (
    CommentFactory,
    MembershipFactory,
    PostFactory,
    TagFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db

POSTS, COMMENTS, TAGS = "/api/v1/posts/", "/api/v1/comments/", "/api/v1/tags/"
NEW = {"title": "How we invoice", "body": "Some *words*."}


def member(role):
    return MembershipFactory(role=role).user


def slugs(response):
    return [row["slug"] for row in response.json()["results"]]


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


@pytest.fixture
def count_queries(as_user, django_assert_max_num_queries):
    def count(url, user=None):
        client = as_user(user)
        with django_assert_max_num_queries(30) as captured:
            assert client.get(url).status_code == 200
        return len(captured)

    return count


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


# Covers


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


# Comments


def bodies(response):
    return {row["body"] for row in response.json()["results"]}


def test_comments_are_listed_by_post(as_user):
    thread = CommentFactory(post__slug="one", body="First", approved=True)
    reply = CommentFactory(post=thread.post, parent=thread, approved=True)
    CommentFactory(approved=True)
    CommentFactory(post=thread.post)

    rows = as_user().get(COMMENTS, {"post": "one"}).json()["results"]

    assert [row["id"] for row in rows] == [str(reply.public_id), str(thread.public_id)]
    assert rows[0]["parent"] == str(thread.public_id)
    assert rows[1] == {
        "id": str(thread.public_id),
        "post": "one",
        "parent": None,
        "author": {
            "username": thread.author.username,
            "full_name": thread.author.full_name,
        },
        "status": "approved",
        "body": "First",
        "body_html": "<p>First</p>",
        "posted_at": "2026-02-02T08:00:00Z",
        "edited_at": None,
    }


def test_comments_come_ten_a_page_in_as_many_queries(as_user, count_queries):
    thread = CommentFactory(approved=True)
    for_one = count_queries(COMMENTS)
    CommentFactory.create_batch(10, post=thread.post, parent=thread, approved=True)

    assert len(as_user().get(COMMENTS).json()["results"]) == 10
    assert count_queries(COMMENTS) == for_one


def test_who_sees_comments_that_wait(as_user):
    held = CommentFactory(body="Held")

    def seen(user):
        return bodies(as_user(user).get(COMMENTS))

    assert seen(None) == seen(UserFactory()) == seen(member("accountant")) == set()
    assert seen(held.author) == seen(member("author")) == {"Held"}


def test_a_reader_comments_and_is_held(as_user, reader):
    PostFactory(slug="one", published=True)

    response = as_user(reader).post(COMMENTS, {"post": "one", "body": "Well *said*."})

    assert response.status_code == 201
    body = response.json()
    assert (body["status"], body["body_html"]) == (
        "held",
        "<p>Well <em>said</em>.</p>\n",
    )
    assert Comment.objects.get().author == reader


def test_a_known_reader_answers_at_once(as_user, reader):
    thread = CommentFactory(post__slug="one", author=reader, approved=True)

    response = as_user(reader).post(
        COMMENTS, {"post": "one", "body": "More.", "parent": str(thread.public_id)}
    )

    assert (response.json()["status"], response.json()["parent"]) == (
        "approved",
        str(thread.public_id),
    )


def test_nobody_comments_without_signing_in(as_user):
    PostFactory(slug="one", published=True)

    response = as_user().post(COMMENTS, {"post": "one", "body": "Yes."})

    assert problem(response) == (401, "not_authenticated")
    assert not Comment.objects.exists()


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ({"post": "one", "body": ""}, "body"),
        ({"post": "one", "body": "  "}, "body"),
        ({"post": "one", "body": "x" * 5001}, "body"),
        ({"post": "one"}, "body"),
        ({"body": "Yes."}, "post"),
        ({"post": "unknown", "body": "Yes."}, "post"),
        ({"post": "draft", "body": "Yes."}, "post"),
        ({"post": "one", "body": "Yes.", "parent": "x"}, "parent"),
        (
            {
                "post": "one",
                "body": "Yes.",
                "parent": "00000000-0000-4000-8000-000000000000",
            },
            "parent",
        ),
    ],
)
def test_a_comment_that_does_not_fit_is_refused_by_field(as_user, reader, data, where):
    PostFactory(slug="one", published=True)
    PostFactory(slug="draft")

    response = as_user(reader).post(COMMENTS, data)

    assert problem(response) == (400, "invalid")
    assert list(response.json()["errors"]) == [where]
    assert not Comment.objects.exists()


def test_a_draft_of_ones_own_takes_no_comment(as_user, author):
    PostFactory(slug="one", author=author)

    response = as_user(author).post(COMMENTS, {"post": "one", "body": "Yes."})

    assert problem(response) == (409, "comments_closed")


def test_the_same_comment_twice_is_refused(as_user, reader):
    PostFactory(slug="one", published=True)
    said = {"post": "one", "body": "Yes."}
    as_user(reader).post(COMMENTS, said)

    assert problem(as_user(reader).post(COMMENTS, said)) == (409, "duplicate_comment")


def test_an_answer_to_an_answer_is_refused(as_user, reader):
    thread = CommentFactory(post__slug="one", approved=True)
    reply = CommentFactory(post=thread.post, parent=thread, approved=True)

    response = as_user(reader).post(
        COMMENTS, {"post": "one", "body": "Yes.", "parent": str(reply.public_id)}
    )

    assert problem(response) == (409, "no_such_thread")


@pytest.mark.parametrize("method", ["put", "patch"])
def test_an_author_changes_their_comment(as_user, method):
    comment = CommentFactory()
    url = f"{COMMENTS}{comment.public_id}/"

    changed = getattr(as_user(comment.author), method)(url, {"body": "Better."})
    emptied = getattr(as_user(comment.author), method)(url, {"body": ""})

    assert changed.json()["body"] == "Better."
    assert problem(emptied) == (400, "invalid")


@pytest.mark.parametrize("role", ["owner", "author", "viewer"])
def test_nobody_else_changes_a_comment(as_user, role):
    comment = CommentFactory(body="Mine.", approved=True)

    response = as_user(member(role)).patch(
        f"{COMMENTS}{comment.public_id}/", {"body": "Yours."}
    )

    assert problem(response) == (403, "permission_denied")
    assert Comment.objects.get().body == "Mine."


def test_who_deletes_a_comment(as_user):
    def delete(user):
        comment = CommentFactory(approved=True)
        who = comment.author if user == "its author" else user
        return as_user(who).delete(f"{COMMENTS}{comment.public_id}/").status_code

    assert delete("its author") == delete(member("author")) == 204
    assert delete(UserFactory()) == delete(member("accountant")) == 403
    assert delete(None) == 401


def test_an_answered_comment_is_not_deleted(as_user):
    thread = CommentFactory(approved=True)
    CommentFactory(post=thread.post, parent=thread)

    response = as_user(thread.author).delete(f"{COMMENTS}{thread.public_id}/")

    assert problem(response) == (409, "comment_answered")


@pytest.mark.parametrize(
    ("move", "status"),
    [("approve", "approved"), ("spam", "spam"), ("trash", "trash")],
)
def test_a_moderator_decides(as_user, author, move, status):
    comment = CommentFactory()
    url = f"{COMMENTS}{comment.public_id}/{move}/"

    assert as_user(author).post(url).json()["status"] == status
    assert problem(as_user(author).post(url)) == (409, "invalid_transition")
    assert Comment.objects.get().moderated_by == author


def test_a_moderator_holds_again(as_user, author):
    comment = CommentFactory(approved=True)

    held = as_user(author).post(f"{COMMENTS}{comment.public_id}/hold/")

    assert held.json()["status"] == "held"


@pytest.mark.parametrize("move", ["approve", "hold", "spam", "trash"])
def test_who_may_not_write_posts_does_not_moderate(as_user, move):
    comment = CommentFactory(approved=True)
    url = f"{COMMENTS}{comment.public_id}/{move}/"

    assert problem(as_user(comment.author).post(url)) == (403, "permission_denied")
    assert problem(as_user(member("viewer")).post(url)) == (403, "permission_denied")
    assert problem(as_user().post(url)) == (401, "not_authenticated")
    assert Comment.objects.get().status == CommentStatus.APPROVED


def test_nobody_approves_their_own_first_comment(as_user, reader, now):
    comment = comment_services.comment_on_post(
        post=PostFactory(published=True), author=reader, body="Yes.", now=now
    )

    response = as_user(reader).post(f"{COMMENTS}{comment.public_id}/approve/")

    assert problem(response) == (403, "permission_denied")


# Tags


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
