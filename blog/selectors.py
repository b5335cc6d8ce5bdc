"""Who may do what on the blog, and the threads below a post."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.contrib.auth.models import AnonymousUser

from accounts.models import User
from blog.models import Comment, Post


def may_edit(user: User | AnonymousUser, post: Post) -> bool:
    if isinstance(user, AnonymousUser):
        return False
    return Post.objects.editable_by(user).filter(pk=post.pk).exists()


@dataclass(frozen=True)
class Thread:
    """A comment and its answers, oldest first."""

    comment: Comment
    replies: list[Comment] = field(default_factory=list)


def threads(post: Post, user: User | AnonymousUser) -> list[Thread]:
    """What this reader sees below the post: what all see, and their own that wait."""
    comments = Comment.objects.shown()
    if isinstance(user, User):
        comments |= Comment.objects.held().filter(author=user)
    rows = (
        comments.filter(post=post).select_related("author").order_by("posted_at", "pk")
    )
    return _grouped(rows)


def _grouped(comments: Iterable[Comment]) -> list[Thread]:
    found: dict[int, Thread] = {}
    answers: list[Comment] = []
    for comment in comments:
        if comment.parent_id is None:
            found[comment.pk] = Thread(comment)
        else:
            answers.append(comment)
    for answer in answers:
        if thread := found.get(answer.parent_id or 0):
            thread.replies.append(answer)
    return list(found.values())
