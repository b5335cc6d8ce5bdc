"""The lives of a post and of a comment: their statuses and the moves between them."""

from collections.abc import Mapping

from django.db import models

from blog.exceptions import InvalidTransition


class PostStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    PUBLISHED = "published", "Published"


class CommentStatus(models.TextChoices):
    HELD = "held", "Held"
    APPROVED = "approved", "Approved"
    SPAM = "spam", "Spam"
    TRASH = "trash", "Trash"


POST_TRANSITIONS: Mapping[PostStatus, frozenset[PostStatus]] = {
    PostStatus.DRAFT: frozenset({PostStatus.PUBLISHED}),
    PostStatus.PUBLISHED: frozenset({PostStatus.DRAFT}),
}

# A moderator may change their mind in any direction.
COMMENT_TRANSITIONS: Mapping[CommentStatus, frozenset[CommentStatus]] = {
    status: frozenset(CommentStatus) - {status} for status in CommentStatus
}

# What its author may still change.
EDITABLE = frozenset({CommentStatus.HELD, CommentStatus.APPROVED})


def check_post_transition(current: str, new: PostStatus) -> None:
    """:raises InvalidTransition: if a post may not move from `current` to `new`"""
    if new not in POST_TRANSITIONS[PostStatus(current)]:
        raise InvalidTransition(f"This post is already {new.label.lower()}.")


def check_comment_transition(current: str, new: CommentStatus) -> None:
    """:raises InvalidTransition: if a comment may not move from `current` to `new`"""
    if new not in COMMENT_TRANSITIONS[CommentStatus(current)]:
        raise InvalidTransition(f"This comment is already {new.label.lower()}.")


def check_comment_editable(current: str) -> None:
    """:raises InvalidTransition: if a moderator has put the comment away"""
    if current not in EDITABLE:
        raise InvalidTransition(
            "A moderator has removed this comment; it can no longer be changed."
        )
