"""
Load the rows into our own schema, in bulk: `python -m benchmarks.seed_ours`.

Into the empty, migrated database of `DATABASE_URL`. Prints the keys of those who write,
as a list in JSON.
"""

import json
import sys
from datetime import UTC, datetime

import django

django.setup()

from django.db.models import F

from accounts.models import Business, Membership, User
from accounts.roles import Role
from accounts.services import tokens
from benchmarks import rows
from blog.models import Comment, Post
from blog.states import CommentStatus, PostStatus

BATCH = 1_000


def main() -> None:
    User.objects.bulk_create(user_of(author) for author in rows.authors())
    Post.objects.bulk_create((post_of(post) for post in rows.posts()), BATCH)
    # The field writes the day of the import by itself.
    Post.objects.update(created_at=F("published_at"))
    comments = (comment_of(comment) for comment in rows.comments())
    Comment.objects.bulk_create(comments, BATCH)
    json.dump(keys_of_writers(datetime.now(UTC)), sys.stdout)


def user_of(author: rows.Author) -> User:
    return User(
        pk=author.id,
        email=f"{author.username}@example.com",
        username=author.username,
        full_name=author.full_name,
        password="!",  # noqa: S106 - none
    )


def post_of(post: rows.Post) -> Post:
    return Post(
        pk=post.id,
        public_id=post.public_id,
        author_id=post.author_id,
        status=PostStatus.PUBLISHED,
        title=post.title,
        slug=post.slug,
        excerpt=post.excerpt,
        summary=post.excerpt,
        body=post.body,
        body_html=post.body_html,
        published_at=post.published_at,
        revised_at=post.published_at,
    )


def comment_of(comment: rows.Comment) -> Comment:
    return Comment(
        pk=comment.id,
        post_id=comment.post_id,
        author_id=comment.author_id,
        status=CommentStatus.APPROVED,
        body=comment.body,
        body_html=rows.paragraph(comment.body),
        posted_at=comment.posted_at,
        status_changed_at=comment.posted_at,
    )


def keys_of_writers(now: datetime) -> list[str]:
    """Of people who may write because a business that publishes made them authors."""
    publisher = Business.objects.create(
        name="Publisher", email="publisher@example.com", publishes=True
    )
    keys = []
    for writer in User.objects.filter(pk__lte=rows.WRITERS).order_by("pk"):
        Membership.objects.create(business=publisher, user=writer, role=Role.AUTHOR)
        keys.append(tokens.create_token(user=writer, name="benchmark", now=now)[1])
    return keys


if __name__ == "__main__":
    main()
