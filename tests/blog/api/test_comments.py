import pytest

from blog.models import Comment
from blog.services import comments as comment_services
from blog.states import CommentStatus
from tests.factories import CommentFactory, MembershipFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db

COMMENTS = "/api/v1/comments/"


def member(role):
    return MembershipFactory(role=role).user


def problem(response):
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


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
