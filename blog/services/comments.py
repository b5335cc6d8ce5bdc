"""Commenting, and deciding what readers see of it."""

from datetime import datetime, timedelta
from typing import Final

from django.db import transaction

from accounts.models import User
from accounts.services.editions import begin_edition
from accounts.services.events import record_event
from blog import markdown
from blog.exceptions import (
    CommentAnswered,
    CommentsClosed,
    DuplicateComment,
    InvalidComment,
    NoSuchThread,
    TooManyComments,
)
from blog.models import MAX_COMMENT, Comment, Post
from blog.states import CommentStatus, check_comment_editable, check_comment_transition

SECOND_CLICK: Final = timedelta(minutes=1)
# Anyone may sign up; more than this is no conversation.
COMMENTS_AN_HOUR: Final = 20


@transaction.atomic
def comment_on_post(
    *,
    post: Post,
    author: User,
    body: str,
    now: datetime,
    parent: Comment | None = None,
) -> Comment:
    """
    Say something about a post, or answer a comment on it.

    Held for a moderator, unless one has approved an earlier comment of the author's.

    :raises InvalidComment: if it is empty or too long
    :raises CommentsClosed: if the post is a draft or takes no comments
    :raises NoSuchThread: if `parent` is not a comment that can be answered here
    :raises DuplicateComment: if the author said the same here within the minute
    :raises TooManyComments: if the author wrote `COMMENTS_AN_HOUR` within the hour
    """
    body = _checked(body)
    # The lock makes the second of two simultaneous clicks see the first one's comment.
    post = Post.objects.select_for_update().get(pk=post.pk)
    if not post.takes_comments:
        raise CommentsClosed("This post takes no comments.")
    if parent:
        _check_thread(post, parent)
    _check_said_once(post, author, body, now)
    _check_not_too_many(author, now)
    comment = Comment.objects.create(
        post=post,
        parent=parent,
        author=author,
        body=body,
        body_html=markdown.comment_html(body),
        status=_first_status(Comment(author=author)),
        posted_at=now,
        status_changed_at=now,
    )
    _record("comment.posted", comment, author, now, status=comment.status)
    _tell_readers(comment.status)
    return comment


@transaction.atomic
def update_comment(
    *, comment: Comment, body: str, actor: User | None, now: datetime
) -> Comment:
    """
    Change one's own words. They are judged anew, as if just posted.

    :raises InvalidComment: if it is empty or too long
    :raises CommentsClosed: if the post is a draft or takes no comments
    :raises InvalidTransition: if a moderator has put the comment away
    """
    body = _checked(body)
    comment = _lock(comment)
    if not comment.post.takes_comments:
        raise CommentsClosed("This post takes no comments any more.")
    check_comment_editable(comment.status)
    comment.body = body
    comment.body_html = markdown.comment_html(body)
    comment.edited_at = comment.status_changed_at = now
    before, comment.status = comment.status, _first_status(comment)
    comment.save(
        update_fields=[
            "body",
            "body_html",
            "edited_at",
            "status",
            "status_changed_at",
            "updated_at",
        ]
    )
    _record("comment.updated", comment, actor, now, status=comment.status)
    _tell_readers(before, comment.status)
    return comment


@transaction.atomic
def moderate_comment(
    *, comment: Comment, status: CommentStatus, actor: User | None, now: datetime
) -> Comment:
    """
    Approve a comment, hold it again, or put it away as spam or trash.

    :raises InvalidTransition: if it has that status already
    """
    comment = _lock(comment)
    check_comment_transition(comment.status, status)
    before, comment.status = comment.status, status
    comment.status_changed_at = now
    comment.moderated_by = actor
    comment.save(
        update_fields=["status", "status_changed_at", "moderated_by", "updated_at"]
    )
    _record("comment.moderated", comment, actor, now, before=before, status=status)
    _tell_readers(before, status)
    return comment


@transaction.atomic
def delete_comment(*, comment: Comment, actor: User | None, now: datetime) -> None:
    """
    Delete a comment for good.

    :raises CommentAnswered: if it has answers, which would go with it
    """
    comment = _lock(comment)
    if comment.replies.exists():
        raise CommentAnswered("This comment has been answered; it can only be edited.")
    _record("comment.deleted", comment, actor, now)
    comment.delete()
    _tell_readers(comment.status)


def _lock(comment: Comment) -> Comment:
    # Post before comment, as in `comment_on_post`: an answer may be on its way.
    post = Post.objects.select_for_update().get(pk=comment.post_id)
    comment = Comment.objects.select_for_update().get(pk=comment.pk)
    comment.post = post
    return comment


def _checked(body: str) -> str:
    body = body.strip()
    if not body:
        raise InvalidComment("Write something first: this comment is empty.")
    if len(body) > MAX_COMMENT:
        raise InvalidComment(
            f"This comment is too long; {MAX_COMMENT} characters are the limit."
        )
    return body


def _check_thread(post: Post, parent: Comment) -> None:
    thread = Comment.objects.select_for_update().filter(pk=parent.pk, post=post).first()
    if thread is None or thread.status != CommentStatus.APPROVED:
        raise NoSuchThread("The comment that you answer is no longer there.")
    if thread.parent_id is not None:
        raise NoSuchThread("Answer the comment that this thread begins with.")


def _check_said_once(post: Post, author: User, body: str, now: datetime) -> None:
    recent = post.comments.filter(author=author, posted_at__gt=now - SECOND_CLICK)
    if body in recent.values_list("body", flat=True):
        raise DuplicateComment("You have just said that; it has arrived.")


def _check_not_too_many(author: User, now: datetime) -> None:
    recent = author.comments.filter(posted_at__gt=now - timedelta(hours=1))
    if recent.count() >= COMMENTS_AN_HOUR:
        raise TooManyComments(
            f"You have written {COMMENTS_AN_HOUR} comments within an hour. "
            "Try again later."
        )


def _first_status(comment: Comment) -> CommentStatus:
    earlier = Comment.objects.approved().filter(author=comment.author_id)
    if earlier.exclude(pk=comment.pk).exists():
        return CommentStatus.APPROVED
    return CommentStatus.HELD


def _tell_readers(*statuses: str) -> None:
    if CommentStatus.APPROVED in statuses:
        begin_edition()


def _record(
    type_: str, comment: Comment, actor: User | None, now: datetime, **data: str
) -> None:
    record_event(
        type=type_,
        subject=comment,
        business=None,
        actor=actor,
        now=now,
        data={"post": str(comment.post.public_id), **data},
    )
