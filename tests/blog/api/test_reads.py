"""Public answers: the same as the view set's, given again only while they hold."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.files.base import ContentFile
from django.db import connection, transaction

from accounts.api.cursors import LARGEST_PAGE
from accounts.models import Edition
from accounts.services import profile
from accounts.services.tokens import create_token
from blog.api import reads
from blog.models import MAX_TAG, MAX_TAGS, Post
from blog.services import comments, posts, tags
from blog.states import CommentStatus, PostStatus
from tests.factories import CommentFactory, PostFactory, TagFactory

POSTS = "/api/v1/posts/"
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def edition():
    """A migration makes it; tests with transactions of their own empty every table."""
    return Edition.objects.get_or_create(pk=Edition.ONLY)[0]


@pytest.fixture
def shelf(monkeypatch):
    monkeypatch.setattr(reads.SHELF, "largest", 100_000)
    return reads.SHELF


@pytest.fixture
def post():
    return PostFactory(published=True, title="First", slug="first")


def read(client, path, **headers):
    response = client.get(path, headers=headers)
    return response.status_code, response.content


def cost(client, path, assert_queries):
    with assert_queries(50, exact=False) as asked:
        assert client.get(path).status_code == 200
    return len(asked)


# The same answer


def test_a_post_is_shown_as_the_view_set_shows_it(client, author):
    plain = PostFactory(published=True, slug="plain")
    rich = PostFactory(
        published=True,
        slug="rich",
        title="Å “title” \u2028 & </script>",
        excerpt="Short.",
        cover=ContentFile(b"x", name="a.png"),
        cover_alt="A picture",
        comments_open=False,
    )
    names = [f"{number} " + "ü" * (MAX_TAG - 2) for number in range(MAX_TAGS)]
    rich.tags.set([TagFactory(name=name, slug=name[0]) for name in reversed(names)])
    answered = CommentFactory(post=rich, approved=True)
    CommentFactory(post=rich, parent=answered, approved=True)
    CommentFactory(post=rich)

    for shown in (plain, rich):
        path = f"{POSTS}{shown.slug}/"
        quick = client.get(path)
        usual = client.get(path, headers={"Accept": "application/json; q=0.9"})
        assert quick["ETag"]
        assert "ETag" not in usual
        assert quick.content == usual.content
        assert quick["Allow"] == usual["Allow"]
        assert quick["Content-Type"] == usual["Content-Type"]

    assert json.loads(quick.content)["tags"] == names


def test_a_list_is_what_the_view_set_lists_page_by_page(client):
    post = PostFactory(published=True, title="Å “title” \u2028 & </script>")
    post.tags.set([TagFactory(name=name) for name in ("ü", "a")])
    CommentFactory(post=post, approved=True)
    PostFactory(
        published=True, cover=ContentFile(b"x", name="a.png"), cover_alt="A picture"
    )
    PostFactory()
    PostFactory.create_batch(20, published=True)
    path, pages = POSTS, 0

    while path:
        quick = client.get(path)
        usual = client.get(path, headers={"Accept": "application/json; q=0.9"})
        assert quick["ETag"]
        assert "ETag" not in usual
        assert quick.content == usual.content
        assert quick["Allow"] == usual["Allow"]
        assert quick["Content-Type"] == usual["Content-Type"]
        path, pages = quick.json()["next"], pages + 1

    assert pages == 3


def test_a_page_has_its_largest_size(client, author):
    like = PostFactory(published=True, author=author)
    Post.objects.bulk_create(
        Post(
            author=author,
            title="Another",
            slug=f"another-{number}",
            status=PostStatus.PUBLISHED,
            published_at=like.published_at,
            revised_at=like.revised_at,
        )
        for number in range(LARGEST_PAGE)
    )

    page = client.get(f"{POSTS}?page_size=1000")

    assert page["ETag"]
    assert len(page.json()["results"]) == LARGEST_PAGE
    assert page.json()["next"]


@pytest.mark.parametrize("extra", ["", "&cursor=cD0z", "&cursor=cj0xJnA9Mg=="])
@pytest.mark.parametrize(
    "asked",
    [
        "page_size=1",
        "page_size=2&page_size=3",
        "page_size=1000",
        "page_size=0",
        "page_size=x",
        "page_size=",
        "page_size=%C2%B2",
        "format=json&page_size=2",
        "status=published",
        "tag=none",
        "author=nobody",
        "unknown=%26",
    ],
)
def test_a_list_asked_for_in_any_way_is_what_the_view_set_lists(client, asked, extra):
    for number in range(1, 5):
        PostFactory(published=True, pk=number, slug=f"post-{number}")
    path = f"{POSTS}?{asked}{extra}"

    assert read(client, path) == read(client, path, Accept="application/json; q=0.9")


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%FF",
        "cD0x",
        "cD0=",
        "cD0wMw==",
        "bz0xJnA9Mw==",
        "cD14",
        "bz0x",
        "cD05OTk5OTk5",
    ],
)
def test_a_cursor_that_is_odd_is_taken_as_ever(client, cursor):
    for number in range(1, 5):
        PostFactory(published=True, pk=number, slug=f"post-{number}")
    path = f"{POSTS}?page_size=2&cursor={cursor}"

    assert read(client, path) == read(client, path, Accept="application/json; q=0.9")


@pytest.mark.parametrize("status", [PostStatus.DRAFT, None])
def test_a_post_that_nobody_may_read_is_not_found(client, post, status):
    if status:
        Post.objects.update(status=status)
    else:
        post.delete()

    response = client.get(f"{POSTS}first/")

    assert (response.status_code, response.json()["code"]) == (404, "not_found")


# Given again


def test_what_was_read_before_takes_one_statement(
    client, shelf, post, django_assert_num_queries
):
    before = [
        cost(client, path, django_assert_num_queries)
        for path in (POSTS, POSTS + "first/")
    ]

    after = [
        cost(client, path, django_assert_num_queries)
        for path in (POSTS, POSTS + "first/")
    ]

    assert before[1] == 1
    assert after == [1, 1]


def test_whoever_has_it_is_told_that_it_holds(client, shelf, post):
    for path in (POSTS, f"{POSTS}first/"):
        client.get(path)
        etag = client.get(path)["ETag"]

        again = client.get(path, headers={"If-None-Match": etag})
        other = client.get(path, headers={"If-None-Match": '"other"'})

        assert (again.status_code, again.content) == (304, b"")
        assert other.status_code == 200


def change_post(post, comment, author, now):
    posts.update_post(post=post, fields={"title": "New"}, actor=author, now=now)


def take_post_back(post, comment, author, now):
    posts.unpublish_post(post=post, actor=author, now=now)


def delete_post(post, comment, author, now):
    posts.delete_post(post=post, actor=author, now=now)


def publish_another(post, comment, author, now):
    draft = PostFactory(title="Draft", slug="draft")
    posts.publish_post(post=draft, actor=author, now=now)


def hold_comment(post, comment, author, now):
    comments.moderate_comment(
        comment=comment, status=CommentStatus.HELD, actor=author, now=now
    )


def delete_comment(post, comment, author, now):
    comments.delete_comment(comment=comment, actor=author, now=now)


def comment_again(post, comment, author, now):
    comments.comment_on_post(
        post=post, author=comment.author, body="And another.", now=now
    )


def rename_author(post, comment, author, now):
    profile.update_profile(user=post.author, fields={"full_name": "Kim"}, now=now)


def rename_tag(post, comment, author, now):
    tags.rename_tag(tag=post.tags.get(), name="vat", actor=author, now=now)


def delete_tag(post, comment, author, now):
    tags.delete_tag(tag=post.tags.get(), actor=author, now=now)


@pytest.mark.parametrize(
    "change",
    [
        change_post,
        take_post_back,
        delete_post,
        publish_another,
        hold_comment,
        delete_comment,
        comment_again,
        rename_author,
        rename_tag,
        delete_tag,
    ],
)
def test_a_change_is_seen_by_the_next_reader(client, shelf, post, author, now, change):
    post.tags.add(TagFactory(name="tax"))
    comment = CommentFactory(post=post, approved=True)
    client.get(POSTS)
    before = client.get(POSTS).content

    change(post, comment, author, now + timedelta(days=1))

    assert client.get(POSTS).content != before
    for path in (POSTS, f"{POSTS}first/"):
        usual = read(client, path, Accept="application/json; q=0.9")
        assert read(client, path) == usual


def test_what_nobody_sees_begins_no_edition(post, author, reader, now):
    before = Edition.objects.get().mark
    draft = posts.write_post(
        author=author, fields={"title": "A"}, actor=author, now=now
    )
    posts.update_post(post=draft, fields={"body": "Text."}, actor=author, now=now)
    posts.delete_post(post=draft, actor=author, now=now)
    held = comments.comment_on_post(post=post, author=reader, body="Hm.", now=now)
    comments.update_comment(comment=held, body="Well.", actor=reader, now=now)
    comments.delete_comment(comment=held, actor=reader, now=now)
    profile.update_profile(user=reader, fields={"gender": "other"}, now=now)

    assert Edition.objects.get().mark == before


def test_without_an_edition_nothing_is_kept(client, shelf, post):
    Edition.objects.all().delete()

    for path in (POSTS, f"{POSTS}first/"):
        assert client.get(path).status_code == 200
    assert shelf.answers == {}


# To nobody else


def test_drafts_of_one_person_reach_no_other(client, shelf, post, author, now):
    PostFactory(author=author, title="Secret", slug="secret")
    _, key = create_token(user=author, name="script", now=now)
    own = {"Authorization": f"Token {key}"}

    mine = [read(client, path, **own) for path in (POSTS, f"{POSTS}secret/")]
    client.force_login(author)
    mine += [read(client, path) for path in (POSTS, f"{POSTS}secret/")]
    client.logout()
    anyones = [read(client, path) for path in (POSTS, f"{POSTS}secret/") * 2]

    assert all(status == 200 and b"Secret" in body for status, body in mine)
    assert [status for status, _ in anyones] == [200, 404, 200, 404]
    assert not any(b"Secret" in body for _, body in anyones)
    assert read(client, POSTS, **own) == mine[0]


def test_an_address_has_an_answer_of_its_own(client, shelf, settings):
    settings.ALLOWED_HOSTS = ["one.example", "two.example"]
    for number in range(3):
        PostFactory(published=True, slug=f"post-{number}")
    asked = [
        (path, {"HTTP_HOST": host, "wsgi.url_scheme": scheme})
        for host in settings.ALLOWED_HOSTS
        for scheme in ("http", "https")
        for path in (f"{POSTS}?page_size=1", f"{POSTS}?page_size=2")
    ]

    def ask():
        return [client.get(path, **extra).json()["next"] for path, extra in asked]

    first = ask()

    assert len(set(first)) == len(asked)
    assert ask() == first
    assert len(shelf.answers) == len(asked)


@pytest.mark.parametrize("accept", ["text/html", "application/xml"])
def test_another_format_is_refused_as_ever(client, shelf, post, accept):
    client.get(f"{POSTS}first/")

    response = client.get(f"{POSTS}first/", headers={"Accept": accept})

    assert response.status_code == 406


def test_a_wrong_token_is_refused_as_ever(client, shelf, post):
    client.get(POSTS)

    assert read(client, POSTS, Authorization="Token wrong")[0] == 401


def test_who_asks_too_often_is_told_so(client, shelf, post, monkeypatch, settings):
    rates = settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]
    monkeypatch.setitem(rates, "anon", "3/min")
    paths = [POSTS, POSTS, f"{POSTS}first/", f"{POSTS}first/", POSTS]

    statuses = [client.get(path).status_code for path in paths]

    assert statuses == [200, 200, 200, 429, 429]


# Written by others, at the same time


@pytest.mark.mysql
@pytest.mark.django_db(transaction=True)
def test_what_is_not_committed_is_not_seen_and_what_was_rolled_back_never(
    client, shelf, post, author, now
):
    Edition.objects.get_or_create(pk=Edition.ONLY)
    elsewhere = connection.copy()
    client.get(POSTS)
    before = client.get(POSTS).content

    def retitle(title, end):
        with elsewhere.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("UPDATE blog_post SET title = %s", [title])
            mark = uuid4().hex
            cursor.execute("UPDATE accounts_edition SET mark = %s", [mark])
            during = client.get(POSTS).content
            cursor.execute(end)
        return during, client.get(POSTS).content

    try:
        rolled_back = retitle("Never", "ROLLBACK")
        committed = retitle("Now", "COMMIT")
    finally:
        elsewhere.close()

    assert rolled_back == (before, before)
    assert committed[0] == before
    assert json.loads(committed[1])["results"][0]["title"] == "Now"


def test_a_change_that_is_undone_leaves_the_edition(post, author, now):
    before = Edition.objects.get().mark

    with transaction.atomic():
        posts.unpublish_post(post=post, actor=author, now=now)
        transaction.set_rollback(True)

    assert Edition.objects.get().mark == before
