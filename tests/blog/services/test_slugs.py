import pytest
from django.db import IntegrityError

from blog.models import Post
from blog.services.slugs import TAKEN, save_with_slug, slug_of
from blog.urls import urlpatterns
from tests.factories import PostFactory, TagFactory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("How we invoice", "how-we-invoice"),
        ("Über uns & Co.", "uber-uns-co"),
        ("日本語", "post"),
        ("🎉", "post"),
        ("---", "post"),
        ("a" * 49 + " b", "a" * 49),
    ],
)
def test_slug_of_a_title_fits_in_an_address(title, slug):
    assert slug_of(title, otherwise="post") == slug


def test_save_with_slug_counts_on_where_a_slug_is_used():
    PostFactory(slug="one")
    PostFactory(slug="one-2")
    post = PostFactory.build(author=PostFactory().author)

    save_with_slug(post, "one")

    assert post.slug == "one-3"


def test_save_with_slug_keeps_the_rows_own():
    post = PostFactory(slug="one")

    save_with_slug(post, "one")

    assert Post.objects.get(pk=post.pk).slug == "one"


def test_posts_and_tags_share_no_names():
    PostFactory(slug="one")
    tag = TagFactory.build()

    save_with_slug(tag, "one")

    assert tag.slug == "one"


def test_save_with_slug_raises_what_is_not_about_the_slug():
    post = PostFactory()
    post.status = "lost"

    with pytest.raises(IntegrityError, match="post_status_known"):
        save_with_slug(post, "new")


def test_save_with_slug_never_takes_a_word_of_the_addresses():
    post = PostFactory.build(author=PostFactory().author)

    save_with_slug(post, "feed")

    assert post.slug == "feed-2"
    words = {
        str(route.pattern).removeprefix("blog/").partition("/")[0]
        for route in urlpatterns
    }
    assert {word for word in words if word.isalpha()} <= TAKEN
