"""Writing, publishing and deleting posts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from accounts.models import User
from accounts.services.editions import begin_edition
from accounts.services.events import record_event
from accounts.services.writing import set_fields
from blog import markdown
from blog.exceptions import NothingToPublish
from blog.models import Post, tag_names
from blog.services.covers import Cover
from blog.services.slugs import save_with_slug, slug_of
from blog.services.tags import find_or_make_tag
from blog.states import PostStatus, check_post_transition

# What an author may set; everything else is worked out.
FIELDS: Final = frozenset(
    {"title", "body", "excerpt", "cover", "cover_alt", "comments_open"}
)
SUMMARY_LENGTH: Final = 200


@transaction.atomic
def write_post(
    *,
    author: User,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
    tags: Sequence[str] = (),
) -> Post:
    """
    Write a draft.

    :param fields: any of `FIELDS`; a cover is one that `covers.stored`
    :param tags: names; those not there yet are made
    :raises ValidationError: naming each field that is wrong
    """
    post = Post(author=author)
    _write(post, fields, now)
    if tags:
        _set_tags(post, tags)
    _record("post.written", post, actor, now)
    return post


@transaction.atomic
def update_post(
    *,
    post: Post,
    fields: Mapping[str, Any],
    actor: User | None,
    now: datetime,
    tags: Sequence[str] | None = None,
) -> Post:
    """
    Change a post; a cover of None takes the cover away.

    :raises ValidationError: naming each field that is wrong
    :raises NothingToPublish: if a published post would lose its text
    """
    post = _lock(post)
    _write(post, fields, now)
    if post.is_published:
        _check_publishable(post)
    if tags is not None:
        _set_tags(post, tags)
    _record("post.updated", post, actor, now)
    if post.is_published:
        begin_edition()
    return post


@transaction.atomic
def publish_post(*, post: Post, actor: User | None, now: datetime) -> Post:
    """
    Show a draft to all. The first time sets its date, and its address for good.

    :raises InvalidTransition: if it is published
    :raises NothingToPublish: if it has no text
    """
    post = _lock(post)
    check_post_transition(post.status, PostStatus.PUBLISHED)
    _check_publishable(post)
    post.status = PostStatus.PUBLISHED
    post.published_at = post.published_at or now
    post.revised_at = now
    post.save(update_fields=["status", "published_at", "revised_at", "updated_at"])
    _record("post.published", post, actor, now)
    begin_edition()
    return post


@transaction.atomic
def unpublish_post(*, post: Post, actor: User | None, now: datetime) -> Post:
    """
    Take a post and its comments back from readers. It keeps its address and date.

    :raises InvalidTransition: if it is not published
    """
    post = _lock(post)
    check_post_transition(post.status, PostStatus.DRAFT)
    post.status = PostStatus.DRAFT
    post.revised_at = now
    post.save(update_fields=["status", "revised_at", "updated_at"])
    _record("post.unpublished", post, actor, now)
    begin_edition()
    return post


@transaction.atomic
def delete_post(*, post: Post, actor: User | None, now: datetime) -> None:
    """Delete a post, its comments and its cover for good."""
    post = _lock(post)
    _record("post.deleted", post, actor, now)
    _forget_file(post.cover.name)
    was_published = post.is_published
    post.delete()
    if was_published:
        begin_edition()


def _lock(post: Post) -> Post:
    # The caller's copy may be stale, and may lack fields that a list leaves out.
    return Post.objects.select_for_update().get(pk=post.pk)


def _write(post: Post, fields: Mapping[str, Any], now: datetime) -> None:
    had_title, had_cover = post.title, post.cover.name
    texts = {name: value for name, value in fields.items() if name != "cover"}
    set_fields(post, texts, FIELDS)
    if "cover" in fields:
        _set_cover(post, fields["cover"])
    post.body_html = markdown.post_html(post.body)
    post.summary = post.excerpt or markdown.plain_text(post.body_html, SUMMARY_LENGTH)
    post.revised_at = now
    # The author is a row that is there; constraints and unique keys the database sees to.
    post.full_clean(
        exclude={"author", "slug", "summary"},
        validate_unique=False,
        validate_constraints=False,
    )
    if post.published_at is None and post.title != had_title:
        save_with_slug(post, slug_of(post.title, otherwise="post"))
    else:
        post.save()
    if "cover" in fields:
        _forget_file(had_cover)


def _set_cover(post: Post, cover: Cover | None) -> None:
    if not cover:
        post.cover, post.cover_width, post.cover_height = None, None, None
        return
    post.cover = cover.name
    post.cover_width, post.cover_height = cover.width, cover.height


def _forget_file(name: str | None) -> None:
    if name:
        storage = Post._meta.get_field("cover").storage
        transaction.on_commit(lambda: storage.delete(name), robust=True)


def _check_publishable(post: Post) -> None:
    if not post.body_html.strip():
        raise NothingToPublish("This post has no text yet; write some, then publish.")


def _set_tags(post: Post, typed: Sequence[str]) -> None:
    # Two posts that make the same new tags wait for one another in one order.
    post.tags.set([find_or_make_tag(name) for name in sorted(tag_names(typed))])


def _record(type_: str, post: Post, actor: User | None, now: datetime) -> None:
    record_event(
        type=type_,
        subject=post,
        business=None,
        actor=actor,
        now=now,
        data={"title": post.title, "slug": post.slug},
    )
