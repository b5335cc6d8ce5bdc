from datetime import timedelta
from functools import partial

import pytest

from accounts.models import Event
from blog.exceptions import (
    CommentAnswered,
    CommentsClosed,
    DuplicateComment,
    InvalidComment,
    InvalidTransition,
    NoSuchThread,
    TooManyComments,
)
from blog.models import Comment
from blog.services import comments
from blog.states import CommentStatus
from tests.at_once import at_once
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def post():
    return PostFactory(published=True)


@pytest.fixture
def reader():
    return UserFactory()


def events(comment):
    found = Event.objects.about("comment", comment.public_id).order_by("pk")
    return [(event.type, event.actor, event.occurred_at, event.data) for event in found]


# Commenting


def test_a_first_comment_is_held(post, reader, now):
    comment = comments.comment_on_post(
        post=post, author=reader, body=" Well *said*. ", now=now
    )

    comment.refresh_from_db()
    assert comment.status == CommentStatus.HELD
    assert comment.body == "Well *said*."
    assert comment.body_html == "<p>Well <em>said</em>.</p>\n"
    assert (comment.posted_at, comment.status_changed_at) == (now, now)
    assert events(comment) == [
        (
            "comment.posted",
            reader,
            now,
            {"post": str(post.public_id), "status": "held"},
        )
    ]


def test_a_comment_is_shown_at_once_after_an_approved_one(post, reader, now):
    CommentFactory(author=reader, approved=True)

    comment = comments.comment_on_post(post=post, author=reader, body="Yes.", now=now)

    assert comment.status == CommentStatus.APPROVED


@pytest.mark.parametrize("status", ["held", "spam", "trash"])
def test_a_comment_is_held_after_one_that_was_not_approved(post, reader, now, status):
    CommentFactory(author=reader, status=status)
    CommentFactory(approved=True)

    comment = comments.comment_on_post(post=post, author=reader, body="Yes.", now=now)

    assert comment.status == CommentStatus.HELD


def test_a_comment_answers_a_comment(post, reader, now):
    thread = CommentFactory(post=post, approved=True)

    reply = comments.comment_on_post(
        post=post, author=reader, body="Yes.", parent=thread, now=now
    )

    assert reply.parent == thread


@pytest.mark.parametrize("fields", [{}, {"published": True, "comments_open": False}])
def test_a_draft_and_a_closed_post_take_no_comments(reader, now, fields):
    with pytest.raises(CommentsClosed, match="takes no comments"):
        comments.comment_on_post(
            post=PostFactory(**fields), author=reader, body="Yes.", now=now
        )


@pytest.mark.parametrize(
    ("body", "sentence"),
    [("", "is empty"), (" \n ", "is empty"), ("x" * 5001, "5000 characters")],
)
def test_empty_and_overlong_comments_are_refused(post, reader, now, body, sentence):
    with pytest.raises(InvalidComment, match=sentence):
        comments.comment_on_post(post=post, author=reader, body=body, now=now)

    assert not Comment.objects.exists()


def test_the_same_words_within_a_minute_are_a_second_click(post, reader, now):
    comments.comment_on_post(post=post, author=reader, body="Yes.", now=now)

    with pytest.raises(DuplicateComment):
        comments.comment_on_post(
            post=post, author=reader, body="Yes. ", now=now + timedelta(seconds=59)
        )

    assert Comment.objects.count() == 1


def test_a_person_comments_so_often_an_hour(post, reader, now, monkeypatch):
    monkeypatch.setattr(comments, "COMMENTS_AN_HOUR", 2)

    def say(body, author, at=now):
        comments.comment_on_post(post=post, author=author, body=body, now=at)

    say("One.", reader)
    say("Two.", reader)
    with pytest.raises(TooManyComments):
        say("Three.", reader)
    say("Hello.", UserFactory())
    say("Three.", reader, now + timedelta(hours=1))

    assert Comment.objects.count() == 4


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_the_same_words_sent_at_once_are_said_once(post, reader, now):
    def work():
        try:
            comments.comment_on_post(post=post, author=reader, body="Yes.", now=now)
        except DuplicateComment:
            return "refused"
        return "said"

    assert sorted(at_once([work] * 8)) == ["refused"] * 7 + ["said"]
    assert Comment.objects.count() == 1


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_a_comment_is_deleted_or_answered_never_both(post, now):
    thread = CommentFactory(post=post, approved=True)
    people = UserFactory.create_batch(8)

    def work(number):
        try:
            if number == 0:
                comments.delete_comment(comment=thread, actor=None, now=now)
            else:
                comments.comment_on_post(
                    post=post,
                    author=people[number],
                    body="Yes.",
                    parent=thread,
                    now=now,
                )
        except (CommentAnswered, NoSuchThread):
            return False
        return True

    deleted, *answered = at_once([partial(work, number) for number in range(8)])

    assert deleted is not any(answered)
    assert Comment.objects.count() == (0 if deleted else 8)


def test_other_words_people_posts_and_times_are_no_second_click(post, reader, now):
    comments.comment_on_post(post=post, author=reader, body="Yes.", now=now)
    minute = timedelta(minutes=1)

    for on, author, body, at in [
        (post, reader, "yes.", now),
        (post, UserFactory(), "Yes.", now),
        (PostFactory(published=True), reader, "Yes.", now),
        (post, reader, "Yes.", now + minute),
    ]:
        comments.comment_on_post(post=on, author=author, body=body, now=at)

    assert Comment.objects.count() == 5


def test_an_answer_to_an_answer_is_too_deep(post, reader, now):
    thread = CommentFactory(post=post, approved=True)
    reply = CommentFactory(post=post, parent=thread, approved=True)

    with pytest.raises(NoSuchThread, match="this thread begins with"):
        comments.comment_on_post(
            post=post, author=reader, body="Yes.", parent=reply, now=now
        )


def test_only_what_is_shown_on_this_post_is_answered(post, reader, now):
    for parent in (CommentFactory(approved=True), CommentFactory(post=post)):
        with pytest.raises(NoSuchThread, match="no longer there"):
            comments.comment_on_post(
                post=post, author=reader, body="Yes.", parent=parent, now=now
            )


# Editing


def test_an_edited_comment_is_judged_anew(now):
    comment = CommentFactory(approved=True, posted_at=now)
    later = now + timedelta(hours=1)

    comments.update_comment(
        comment=comment, body="Buy *this*", actor=comment.author, now=later
    )

    comment.refresh_from_db()
    assert comment.status == CommentStatus.HELD
    assert comment.body_html == "<p>Buy <em>this</em></p>\n"
    assert (comment.posted_at, comment.edited_at) == (now, later)
    assert comment.status_changed_at == later
    assert events(comment)[-1][0] == "comment.updated"


def test_an_edited_comment_stays_after_another_approved_one(now):
    comment = CommentFactory(approved=True)
    CommentFactory(author=comment.author, approved=True)

    edited = comments.update_comment(
        comment=comment, body="Better.", actor=comment.author, now=now
    )

    assert edited.status == CommentStatus.APPROVED


@pytest.mark.parametrize("status", ["spam", "trash"])
def test_what_a_moderator_has_put_away_is_not_edited(now, status):
    comment = CommentFactory(status=status)

    with pytest.raises(InvalidTransition, match="A moderator has removed"):
        comments.update_comment(comment=comment, body="But", actor=None, now=now)


def test_a_comment_on_a_closed_post_is_not_edited(now):
    comment = CommentFactory(post__comments_open=False)

    with pytest.raises(CommentsClosed):
        comments.update_comment(comment=comment, body="But", actor=None, now=now)


def test_an_edit_is_checked_like_a_comment(now):
    with pytest.raises(InvalidComment):
        comments.update_comment(comment=CommentFactory(), body=" ", actor=None, now=now)


# Moderating


@pytest.mark.parametrize("status", ["approved", "spam", "trash"])
def test_a_moderator_decides_about_a_held_comment(now, status):
    moderator, comment = UserFactory(), CommentFactory()

    comments.moderate_comment(
        comment=comment, status=CommentStatus(status), actor=moderator, now=now
    )

    comment.refresh_from_db()
    assert (comment.status, comment.moderated_by) == (status, moderator)
    assert comment.status_changed_at == now
    assert events(comment) == [
        (
            "comment.moderated",
            moderator,
            now,
            {"post": str(comment.post.public_id), "before": "held", "status": status},
        )
    ]


def test_a_moderator_holds_an_approved_comment_again(now):
    comment = CommentFactory(approved=True)

    held = comments.moderate_comment(
        comment=comment, status=CommentStatus.HELD, actor=None, now=now
    )

    assert held.status == CommentStatus.HELD


def test_moderating_looks_at_the_comment_as_it_is_now(now):
    stale = CommentFactory()
    asked = {"status": CommentStatus.APPROVED, "actor": None, "now": now}
    comments.moderate_comment(comment=stale, **asked)

    with pytest.raises(InvalidTransition, match="already approved"):
        comments.moderate_comment(comment=stale, **asked)


# Deleting


def test_delete_comment_leaves_a_record(reader, now):
    comment = CommentFactory(author=reader)

    comments.delete_comment(comment=comment, actor=reader, now=now)

    assert not Comment.objects.exists()
    assert events(comment)[-1][:3] == ("comment.deleted", reader, now)


def test_delete_comment_keeps_what_others_have_answered(now):
    thread = CommentFactory(approved=True)
    CommentFactory(post=thread.post, parent=thread)

    with pytest.raises(CommentAnswered):
        comments.delete_comment(comment=thread, actor=thread.author, now=now)

    assert Comment.objects.count() == 2
