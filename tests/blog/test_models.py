import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.roles import Role
from blog.models import Comment, Post, Tag, tag_names
from blog.states import CommentStatus
from tests.factories import (
    BusinessFactory,
    CommentFactory,
    MembershipFactory,
    PostFactory,
    TagFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def member(role, **business):
    return MembershipFactory(business=BusinessFactory(**business), role=role).user


# Posts


def test_post_slug_is_unique():
    PostFactory(slug="one")

    with pytest.raises(IntegrityError):
        PostFactory(slug="one")


@pytest.mark.parametrize(
    ("fields", "rule"),
    [
        ({"status": "lost"}, "post_status_known"),
        ({"status": "published", "published_at": None}, "post_published_has_date"),
        ({"cover": "covers/a.png", "cover_alt": ""}, "post_cover_has_description"),
    ],
)
def test_post_constraints_refuse(fields, rule):
    post = PostFactory()

    with transaction.atomic(), pytest.raises(IntegrityError, match=rule):
        Post.objects.filter(pk=post.pk).update(**fields)


def test_post_wants_its_cover_described_at_the_field():
    with pytest.raises(ValidationError) as refused:
        Post(title="T", author=UserFactory(), cover="covers/a.png").full_clean(
            exclude={"slug"}
        )

    assert refused.value.message_dict == {
        "cover_alt": ["Describe the cover for those who cannot see it."]
    }


def test_published_leaves_drafts_out():
    published = PostFactory(published=True)
    PostFactory()

    assert list(Post.objects.published()) == [published]


def test_visible_to_shows_drafts_to_their_author_and_to_owners():
    author = UserFactory()
    draft, published = PostFactory(author=author), PostFactory(published=True)

    def seen(user):
        return set(Post.objects.visible_to(user))

    assert seen(AnonymousUser()) == {published}
    assert seen(UserFactory()) == {published}
    assert seen(member(Role.AUTHOR)) == {published}
    assert seen(member(Role.OWNER, publishes=False)) == {published}
    assert seen(author) == {draft, published}
    assert seen(member(Role.OWNER)) == {draft, published}
    assert seen(UserFactory(is_superuser=True)) == {draft, published}


def test_editable_by_gives_authors_their_own_and_owners_all():
    author = member(Role.AUTHOR)
    own, foreign = PostFactory(author=author), PostFactory(published=True)

    assert set(Post.objects.editable_by(author)) == {own}
    assert set(Post.objects.editable_by(member(Role.OWNER))) == {own, foreign}
    assert set(Post.objects.editable_by(member(Role.ACCOUNTANT))) == set()


def test_editable_by_ends_with_the_membership():
    former = UserFactory()
    PostFactory(author=former)

    assert list(Post.objects.editable_by(former)) == []


def test_with_comment_counts_counts_what_readers_see():
    post, other = PostFactory(published=True), PostFactory(published=True)
    seen = CommentFactory(post=post, approved=True)
    CommentFactory(post=post, parent=seen, approved=True)
    CommentFactory(post=post)
    put_away = CommentFactory(post=post, status=CommentStatus.TRASH)
    CommentFactory(post=post, parent=put_away, approved=True)

    counts = dict(Post.objects.with_comment_counts().values_list("pk", "comment_count"))

    assert counts == {post.pk: 2, other.pk: 0}


def test_newest_first_goes_by_publication():
    older, newer = PostFactory(published=True), PostFactory(published=True)
    Post.objects.filter(pk=older.pk).update(published_at="2026-03-01T00:00Z")

    assert list(Post.objects.newest_first()) == [older, newer]


def test_with_tags_reads_them_in_order(django_assert_num_queries):
    post = PostFactory()
    post.tags.add(*(TagFactory(name=name) for name in ("tax", "law", "work")))

    [found] = Post.objects.with_tags()

    with django_assert_num_queries(0):
        assert [tag.name for tag in found.tags.all()] == ["law", "tax", "work"]


def test_for_lists_needs_no_further_query_for_a_row(django_assert_num_queries):
    for _ in range(3):
        PostFactory(published=True).tags.add(TagFactory())

    with django_assert_num_queries(3):
        shown = [
            (
                post.title,
                post.author.full_name,
                post.comment_count,
                len(post.tags.all()),
            )
            for post in Post.objects.for_lists()
        ]

    assert len(shown) == 3


def test_post_names_itself_and_its_addresses():
    post = PostFactory(title="One", slug="one", cover="covers/a.png", cover_alt="A.")

    assert str(post) == "One"
    assert post.get_absolute_url() == "/blog/one/"
    assert post.cover_url == "/blog/covers/a.png"
    assert PostFactory().cover_url == ""


@pytest.mark.parametrize(
    ("fields", "takes"),
    [
        ({"published": True}, True),
        ({"published": True, "comments_open": False}, False),
        ({}, False),
    ],
)
def test_post_takes_comments_while_published_and_open(fields, takes):
    assert PostFactory(**fields).takes_comments is takes


# Comments


def test_comment_status_is_known():
    comment = CommentFactory()

    with (
        transaction.atomic(),
        pytest.raises(IntegrityError, match="comment_status_known"),
    ):
        Comment.objects.filter(pk=comment.pk).update(status="lost")


def test_held_and_approved_leave_the_others_out():
    held = CommentFactory()
    approved = CommentFactory(approved=True)
    CommentFactory(status=CommentStatus.SPAM)

    assert list(Comment.objects.held()) == [held]
    assert list(Comment.objects.approved()) == [approved]


def test_shown_needs_the_comment_its_thread_and_its_post_to_be_public():
    comment = CommentFactory(approved=True)
    reply = CommentFactory(post=comment.post, parent=comment, approved=True)
    held = CommentFactory(post=comment.post)
    CommentFactory(post=comment.post, parent=held, approved=True)
    CommentFactory(post=PostFactory(), approved=True)

    assert set(Comment.objects.shown()) == {comment, reply}


def test_visible_to_adds_ones_own_that_wait_and_all_for_moderators():
    approved, held = CommentFactory(approved=True), CommentFactory()
    spam = CommentFactory(author=held.author, status=CommentStatus.SPAM)

    def seen(user):
        return set(Comment.objects.visible_to(user))

    assert seen(AnonymousUser()) == {approved}
    assert seen(UserFactory()) == {approved}
    assert seen(held.author) == {approved, held}
    assert seen(member(Role.AUTHOR)) == {approved, held, spam}


def test_visible_to_hides_ones_own_with_the_post():
    waiting = CommentFactory(post=PostFactory())

    assert list(Comment.objects.visible_to(waiting.author)) == []


def test_moderated_by_gives_all_to_who_may_write_and_none_to_others():
    comment = CommentFactory()

    assert list(Comment.objects.moderated_by(member(Role.AUTHOR))) == [comment]
    assert list(Comment.objects.moderated_by(member(Role.ACCOUNTANT))) == []


def test_comment_names_itself_and_its_place():
    comment = CommentFactory(post__slug="one")

    assert str(comment) == f"comment {comment.public_id}"
    assert comment.get_absolute_url() == f"/blog/one/#comment-{comment.public_id}"


# Tags


def test_tag_names_are_cleaned_and_kept_once():
    assert tag_names([" Tax  law ", "tax law", "", "C#"]) == ["tax law", "c#"]


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ([str(n) for n in range(11)], "A post has at most 10 tags."),
        (["x" * 51], "A tag has at most 50 characters."),
    ],
)
def test_tag_names_refuse_too_much(typed, sentence):
    with pytest.raises(ValidationError, match=sentence):
        tag_names(typed)


def test_tag_name_is_unique_whatever_its_case():
    TagFactory(name="Tax")

    with pytest.raises(IntegrityError):
        TagFactory(name="tax")


def test_tags_that_differ_in_an_accent_are_two():
    assert TagFactory(name="resume").pk != TagFactory(name="resumé").pk


def test_used_tags_count_published_posts():
    tag, unused = TagFactory(name="a"), TagFactory(name="b")
    for post in (PostFactory(published=True), PostFactory(published=True)):
        post.tags.add(tag)
    PostFactory().tags.add(tag, unused)

    assert [(str(tag), tag.post_count) for tag in Tag.objects.used()] == [("a", 2)]


def test_tag_has_a_page():
    assert TagFactory(slug="tax-law").get_absolute_url() == "/blog/tags/tax-law/"
