import io
from datetime import timedelta
from functools import partial

import pytest
from django.core.exceptions import ValidationError
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from accounts.models import Event
from blog.exceptions import InvalidImage, InvalidTransition, NothingToPublish
from blog.models import Comment, Post, Tag
from blog.services import covers, posts
from blog.states import PostStatus
from tests.at_once import at_once
from tests.factories import CommentFactory, PostFactory, UserFactory

pytestmark = pytest.mark.django_db


def photo():
    stored = io.BytesIO()
    Image.new("RGB", (40, 20)).save(stored, "PNG")
    return SimpleUploadedFile("photo.png", stored.getvalue())


def write(now, *, tags=(), **fields):
    author = UserFactory()
    typed = {"title": "How we invoice", "body": "Words."} | fields
    with covers.stored_of(typed) as stored:
        return posts.write_post(
            author=author, fields=stored, tags=tags, actor=author, now=now
        )


def update(post, now, *, tags=None, **fields):
    with covers.stored_of(fields) as stored:
        return posts.update_post(
            post=post, fields=stored, tags=tags, actor=post.author, now=now
        )


def events(post):
    found = Event.objects.about("post", post.public_id).order_by("pk")
    return [(event.type, event.actor, event.occurred_at, event.data) for event in found]


# Writing


def test_write_post_makes_a_draft_with_html_and_summary(now):
    post = write(now, body="# Hello\n\nSome *words*.")

    post.refresh_from_db()
    assert post.status == PostStatus.DRAFT
    assert post.published_at is None
    assert post.slug == "how-we-invoice"
    assert post.body_html == "<h2>Hello</h2>\n<p>Some <em>words</em>.</p>\n"
    assert post.summary == "Some words."
    assert post.revised_at == now
    assert events(post) == [
        (
            "post.written",
            post.author,
            now,
            {"title": "How we invoice", "slug": "how-we-invoice"},
        )
    ]


def test_write_post_sanitizes_what_it_stores(now):
    post = write(now, body="Hi<script>alert(1)</script>")

    assert post.body == "Hi<script>alert(1)</script>"
    assert post.body_html == "<p>Hi</p>\n"


def test_write_post_prefers_the_excerpt_as_summary(now):
    assert write(now, excerpt="In short.").summary == "In short."


def test_write_post_gives_every_post_its_own_slug(now):
    assert [write(now).slug for _ in range(3)] == [
        "how-we-invoice",
        "how-we-invoice-2",
        "how-we-invoice-3",
    ]


def test_write_post_makes_the_tags_that_are_missing(now):
    first = write(now, tags=["Tax", "C#"])
    second = write(now, tags=["tax", "C"])

    assert sorted(tag.name for tag in first.tags.all()) == ["c#", "tax"]
    assert sorted(tag.slug for tag in second.tags.all()) == ["c-2", "tax"]
    assert Tag.objects.count() == 3


def test_write_post_stores_a_cover_of_its_own_making(now):
    post = write(now, cover=photo(), cover_alt="A desk.")

    post.refresh_from_db()
    assert post.cover.name.startswith("covers/")
    assert "photo" not in post.cover.name
    assert (post.cover_width, post.cover_height) == (40, 20)
    with post.cover.open() as stored:
        assert Image.open(stored).format == "PNG"


def test_write_post_refuses_a_cover_that_is_no_picture(now):
    with pytest.raises(InvalidImage):
        write(now, cover=SimpleUploadedFile("a.png", b"no"), cover_alt="A desk.")

    assert not Post.objects.exists()


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"title": ""}, "title"),
        ({"title": "x" * 151}, "title"),
        ({"body": "x" * 100_001}, "body"),
        ({"excerpt": "x" * 301}, "excerpt"),
    ],
)
def test_write_post_refuses_what_does_not_fit(now, fields, where):
    with pytest.raises(ValidationError) as refused:
        write(now, **fields)

    assert set(refused.value.message_dict) == {where}
    assert not Post.objects.exists()
    assert not Event.objects.exists()


def test_write_post_refuses_a_cover_without_description(now):
    with pytest.raises(ValidationError, match="Describe the cover"):
        write(now, cover=photo())

    assert default_storage.listdir("covers") == ([], [])


def test_write_post_refuses_too_many_tags_and_keeps_nothing(now):
    with pytest.raises(ValidationError, match="at most 10 tags"):
        write(now, tags=[f"tag {n}" for n in range(11)])


def test_write_post_takes_no_field_that_is_worked_out(now):
    with pytest.raises(TypeError, match="not for a caller to set on post: status"):
        write(now, status="published")


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_posts_of_one_title_written_at_once_get_each_a_slug(now, author):
    def work():
        return posts.write_post(
            author=author, fields={"title": "One"}, actor=author, now=now
        ).slug

    assert sorted(at_once([work] * 8)) == ["one", *(f"one-{n}" for n in range(2, 9))]


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_posts_written_at_once_share_their_new_tags(now, author):
    def work(number):
        tags = ["tax", "law", "work"]
        posts.write_post(
            author=author,
            fields={"title": f"Post {number}"},
            tags=tags if number % 2 else tags[::-1],
            actor=author,
            now=now,
        )

    at_once([partial(work, number) for number in range(8)])

    assert {tag.posts.count() for tag in Tag.objects.all()} == {8}
    assert sorted(tag.slug for tag in Tag.objects.all()) == ["law", "tax", "work"]


# Changing


def test_update_post_changes_what_it_is_given(now):
    post = write(now, excerpt="In short.", tags=["tax"])
    later = now + timedelta(hours=1)

    updated = update(post, later, body="Other words.", excerpt="")

    assert (updated.title, updated.body) == ("How we invoice", "Other words.")
    assert updated.summary == "Other words."
    assert updated.revised_at == later
    assert [tag.name for tag in updated.tags.all()] == ["tax"]
    assert events(updated)[-1][:3] == ("post.updated", post.author, later)


def test_update_post_replaces_the_tags(now):
    post = write(now, tags=["tax"])

    update(post, now, tags=["law"])

    assert [tag.name for tag in post.tags.all()] == ["law"]


def test_update_post_renames_the_address_of_a_draft(now):
    post = write(now)

    assert update(post, now, title="How they invoice").slug == "how-they-invoice"


def test_update_post_keeps_the_address_once_published(now):
    post = posts.publish_post(post=write(now), actor=None, now=now)

    assert update(post, now, title="Another").slug == "how-we-invoice"

    posts.unpublish_post(post=post, actor=None, now=now)
    assert update(post, now, title="A third").slug == "how-we-invoice"


def test_update_post_deletes_the_cover_it_replaces(
    now, django_capture_on_commit_callbacks
):
    post = write(now, cover=photo(), cover_alt="A desk.")
    before = post.cover.name

    with django_capture_on_commit_callbacks(execute=True):
        after = update(post, now, cover=photo()).cover.name

    assert (default_storage.exists(before), default_storage.exists(after)) == (
        False,
        True,
    )


def test_update_post_takes_the_cover_away(now, django_capture_on_commit_callbacks):
    post = write(now, cover=photo(), cover_alt="A desk.")
    before = post.cover.name

    with django_capture_on_commit_callbacks(execute=True):
        update(post, now, cover=None)

    post.refresh_from_db()
    assert (post.cover.name, post.cover_width, post.cover_height) == ("", None, None)
    assert not default_storage.exists(before)


def test_update_post_leaves_the_cover_alone_otherwise(
    now, django_capture_on_commit_callbacks
):
    post = write(now, cover=photo(), cover_alt="A desk.")

    with django_capture_on_commit_callbacks(execute=True):
        updated = update(post, now, body="Other words.")

    assert default_storage.exists(updated.cover.name)


def test_update_post_never_empties_what_is_published(now):
    post = posts.publish_post(post=write(now), actor=None, now=now)

    with pytest.raises(NothingToPublish):
        update(post, now, body="  ")

    post.refresh_from_db()
    assert post.body == "Words."


# Publishing


def test_publish_post_sets_the_date_once(now):
    later, latest = now + timedelta(days=1), now + timedelta(days=2)
    post = write(now)

    post = posts.publish_post(post=post, actor=post.author, now=later)
    assert (post.status, post.published_at, post.revised_at) == (
        PostStatus.PUBLISHED,
        later,
        later,
    )

    post = posts.unpublish_post(post=post, actor=post.author, now=latest)
    assert (post.status, post.published_at, post.revised_at) == (
        PostStatus.DRAFT,
        later,
        latest,
    )

    post = posts.publish_post(post=post, actor=post.author, now=latest)
    assert (post.published_at, post.revised_at) == (later, latest)
    assert [event[0] for event in events(post)] == [
        "post.written",
        "post.published",
        "post.unpublished",
        "post.published",
    ]


def test_publish_post_looks_at_the_post_as_it_is_now(now):
    stale = write(now)
    posts.publish_post(post=stale, actor=None, now=now)

    with pytest.raises(InvalidTransition, match="already published"):
        posts.publish_post(post=stale, actor=None, now=now)


@pytest.mark.parametrize("body", ["", "  \n", "<script>alert(1)</script>"])
def test_publish_post_refuses_a_post_without_text(now, body):
    with pytest.raises(NothingToPublish, match="no text yet"):
        posts.publish_post(post=write(now, body=body), actor=None, now=now)


def test_publish_post_takes_a_picture_for_text(now):
    post = write(now, body="![A desk](https://example.com/desk.png)")

    assert posts.publish_post(post=post, actor=None, now=now).is_published


def test_unpublish_post_refuses_a_draft(now):
    with pytest.raises(InvalidTransition, match="already draft"):
        posts.unpublish_post(post=PostFactory(), actor=None, now=now)


# Deleting


def test_delete_post_takes_comments_and_cover_along(
    now, django_capture_on_commit_callbacks
):
    post = write(now, cover=photo(), cover_alt="A desk.")
    CommentFactory(post=post)
    cover = post.cover.name

    with django_capture_on_commit_callbacks(execute=True):
        posts.delete_post(post=post, actor=post.author, now=now)

    assert not Post.objects.exists()
    assert not Comment.objects.exists()
    assert not default_storage.exists(cover)
    assert events(post)[-1][:3] == ("post.deleted", post.author, now)


def test_delete_post_without_a_cover(now):
    post = PostFactory()

    posts.delete_post(post=post, actor=None, now=now)

    assert not Post.objects.exists()
