import json
import re
from datetime import UTC, datetime

import pytest
from django.contrib.messages import get_messages
from django.core.files.storage import default_storage
from django.urls import reverse

from blog.models import Comment, Post
from blog.services import covers, posts
from blog.states import CommentStatus
from tests.factories import (
    CommentFactory,
    MembershipFactory,
    PostFactory,
    TagFactory,
    UserFactory,
)

pytestmark = pytest.mark.django_db


def titles(response):
    return [post.title for post in response.context["page_obj"]]


def html(response):
    return response.content.decode()


@pytest.fixture
def count_queries(client, django_assert_max_num_queries):
    def count(url):
        with django_assert_max_num_queries(30) as captured:
            client.get(url)
        return len(captured)

    return count


# Lists


def test_index_shows_published_posts_newest_first(client):
    for day in (1, 2, 3):
        PostFactory(
            title=f"Day {day}",
            published=True,
            published_at=datetime(2026, 1, day, tzinfo=UTC),
        )
    PostFactory(title="Draft")

    assert titles(client.get("/")) == ["Day 3", "Day 2", "Day 1"]


def test_index_shows_ten_to_a_page(client):
    PostFactory.create_batch(11, published=True)

    first, second = client.get("/"), client.get("/?page=2")

    assert (len(titles(first)), len(titles(second))) == (10, 1)
    assert '<link rel="canonical" href="http://localhost:8000/">' in html(first)
    assert '<link rel="canonical" href="http://localhost:8000/?page=2">' in html(second)
    assert "<title>Blog, page 2 · PayMyInvoice</title>" in html(second)


@pytest.mark.parametrize("page", ["0", "2", "nonsense"])
def test_index_has_no_page_that_is_not_there(client, page):
    PostFactory(published=True)

    assert client.get(f"/?page={page}").status_code == 404


def test_index_says_so_when_nothing_is_published(client):
    assert "Nothing has been published yet." in html(client.get("/"))


def test_index_shows_how_many_comments_are_approved(client):
    post = CommentFactory(approved=True).post
    CommentFactory(post=post)

    assert re.search(r"#comments\">1 comment<", html(client.get("/")))


@pytest.mark.parametrize(
    "url", ["/", "/blog/tags/tax/", "/blog/authors/jo/", "/blog/feed/"]
)
def test_lists_need_as_many_queries_for_three_posts_as_for_one(count_queries, url):
    jo, tax = UserFactory(username="jo"), TagFactory(slug="tax")

    def add():
        post = PostFactory(author=jo, published=True)
        post.tags.add(tax, TagFactory())
        CommentFactory(post=post, approved=True)

    add()
    for_one = count_queries(url)
    add()
    add()

    assert count_queries(url) == for_one


def test_tag_page_shows_its_published_posts(client):
    tag = TagFactory(name="tax law", slug="tax-law")
    PostFactory(title="About tax", published=True).tags.add(tag)
    PostFactory(title="About nothing", published=True)
    PostFactory(title="Draft").tags.add(tag)

    response = client.get("/blog/tags/tax-law/")

    assert titles(response) == ["About tax"]
    assert "<title>Posts about tax law · PayMyInvoice</title>" in html(response)


def test_author_page_shows_their_published_posts_and_no_address(client):
    jo = UserFactory(username="jo", full_name="Jo Doe", email="jo@example.com")
    PostFactory(title="By Jo", author=jo, published=True)
    PostFactory(title="By another", published=True)
    PostFactory(title="Draft", author=jo)

    response = client.get("/blog/authors/jo/")

    assert titles(response) == ["By Jo"]
    assert "<h1>Jo Doe</h1>" in html(response)
    assert "jo@example.com" not in html(response)


@pytest.mark.parametrize(
    "url",
    [
        "/blog/tags/unknown/",
        "/blog/tags/drafted/",
        "/blog/authors/nobody/",
        "/blog/authors/jo/",
    ],
)
def test_tags_and_authors_of_drafts_have_no_page(client, url):
    PostFactory(author=UserFactory(username="jo")).tags.add(TagFactory(slug="drafted"))

    assert client.get(url).status_code == 404


# A post


def test_post_page_shows_the_text_and_who_wrote_it(client):
    post = PostFactory(title="Fish & <chips>", slug="fish", published=True)
    post.tags.add(TagFactory(name="food"))

    response = client.get("/blog/fish/")

    page = html(response)
    assert response.status_code == 200
    assert "<h1>Fish &amp; &lt;chips&gt;</h1>" in page
    assert "<title>Fish &amp; &lt;chips&gt; · PayMyInvoice</title>" in page
    assert '<div class="prose"><p>Text.</p></div>' in page
    assert f'<a rel="author" href="/blog/authors/{post.author.username}/">' in page
    assert ">food</a>" in page
    assert post.author.email not in page


def test_post_page_tells_machines_what_it_is(client):
    post = PostFactory(
        title="</script><script>alert(1)</script>",
        slug="one",
        published=True,
        cover="covers/a.png",
        cover_alt="A desk.",
    )

    page = html(client.get("/blog/one/"))

    assert '<link rel="canonical" href="http://localhost:8000/blog/one/">' in page
    assert '<meta property="og:type" content="article">' in page
    assert (
        '<meta property="og:image" content="http://localhost:8000/blog/covers/a.png">'
        in page
    )
    assert "<script>alert" not in page
    [block] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page)
    data = json.loads(block)
    assert data["@type"] == "BlogPosting"
    assert data["headline"] == post.title
    assert data["datePublished"] == "2026-02-01T08:00:00+00:00"
    assert data["author"]["name"] == post.author.full_name
    assert data["image"] == "http://localhost:8000/blog/covers/a.png"


def test_a_draft_is_not_found_by_others(client):
    PostFactory(slug="one")

    assert client.get("/blog/one/").status_code == 404
    client.force_login(MembershipFactory(role="author").user)
    assert client.get("/blog/one/").status_code == 404


def test_a_draft_is_previewed_by_its_author(client, author):
    post = PostFactory(slug="one", author=author)
    client.force_login(author)

    page = html(client.get("/blog/one/"))

    assert "This is a draft: readers do not see it." in page
    assert '<meta name="robots" content="noindex">' in page
    assert "application/ld+json" not in page
    assert reverse("admin:blog_post_change", args=[post.pk]) in page


def test_a_post_offers_editing_only_to_who_may(client, reader):
    PostFactory(slug="one", published=True)
    client.force_login(reader)

    assert "Edit this post" not in html(client.get("/blog/one/"))


def test_a_post_needs_as_many_queries_for_three_comments_as_for_one(count_queries):
    post = PostFactory(slug="one", published=True)
    thread = CommentFactory(post=post, approved=True)
    for_one = count_queries("/blog/one/")
    CommentFactory(post=post, approved=True)
    CommentFactory(post=post, parent=thread, approved=True)

    assert count_queries("/blog/one/") == for_one


def test_an_unchanged_post_is_not_sent_twice(client):
    post = PostFactory(slug="one", published=True)
    first = client.get("/blog/one/")

    by_tag = client.get("/blog/one/", headers={"If-None-Match": first["ETag"]})
    by_date = client.get(
        "/blog/one/", headers={"If-Modified-Since": first["Last-Modified"]}
    )

    assert first["Last-Modified"] == "Sun, 01 Feb 2026 08:00:00 GMT"
    assert (by_tag.status_code, by_date.status_code) == (304, 304)
    assert "no-cache" in first["Cache-Control"]

    CommentFactory(post=post, approved=True)
    again = client.get(
        "/blog/one/",
        headers={
            "If-None-Match": first["ETag"],
            "If-Modified-Since": first["Last-Modified"],
        },
    )
    assert again.status_code == 200
    assert again["Last-Modified"] == "Mon, 02 Feb 2026 08:00:00 GMT"


def test_a_page_made_for_one_person_has_no_common_date(client, reader):
    PostFactory(slug="one", published=True)
    client.force_login(reader)

    assert "Last-Modified" not in client.get("/blog/one/")


# Its comments


def test_comments_are_read_in_threads(client):
    post = PostFactory(slug="one", published=True)
    first = CommentFactory(post=post, body="First", approved=True)
    CommentFactory(post=post, body="Second", approved=True)
    CommentFactory(post=post, body="Answer", parent=first, approved=True)
    CommentFactory(post=post, body="Hidden")

    page = html(client.get("/blog/one/"))

    assert re.findall(r"<p>(First|Second|Answer|Hidden)</p>", page) == [
        "First",
        "Answer",
        "Second",
    ]
    assert "3 comments" in page
    assert "Sign in to comment" in page
    assert "<textarea" not in page


def test_a_comment_is_answered_below_it(client, reader):
    comment = CommentFactory(post__slug="one", approved=True)
    client.force_login(reader)

    page = html(client.get(f"/blog/one/?reply_to={comment.public_id}"))

    assert f'name="parent" value="{comment.public_id}"' in page
    assert f"Your answer to {comment.author.full_name}" in page


@pytest.mark.parametrize("asked", ["nonsense", "00000000-0000-4000-8000-000000000000"])
def test_an_unknown_comment_to_answer_is_ignored(client, reader, asked):
    PostFactory(slug="one", published=True)
    client.force_login(reader)

    assert 'name="parent"' not in html(client.get(f"/blog/one/?reply_to={asked}"))


def test_a_comment_is_sent_and_waits(client, reader):
    post = PostFactory(slug="one", published=True)
    client.force_login(reader)

    response = client.post("/blog/one/comments/", {"body": "Well said."})

    comment = Comment.objects.get()
    assert (comment.post, comment.author, comment.body) == (post, reader, "Well said.")
    assert (response.status_code, response["Location"]) == (
        302,
        f"/blog/one/#comment-{comment.public_id}",
    )
    assert [str(message) for message in get_messages(response.wsgi_request)] == [
        "Thank you: your comment waits for a moderator."
    ]
    assert "Waits for a moderator" in html(client.get("/blog/one/"))


def test_a_comment_of_a_known_author_is_published(client, reader):
    thread = CommentFactory(post__slug="one", author=reader, approved=True)
    client.force_login(reader)

    response = client.post(
        "/blog/one/comments/", {"body": "And more.", "parent": thread.public_id}
    )

    reply = Comment.objects.exclude(pk=thread.pk).get()
    assert (reply.parent, reply.status) == (thread, CommentStatus.APPROVED)
    assert [str(message) for message in get_messages(response.wsgi_request)] == [
        "Thank you: your comment is published."
    ]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ("", "Write something first: this comment is empty."),
        ("x" * 5001, "at most 5000 characters"),
    ],
)
def test_a_comment_that_will_not_do_comes_back(client, reader, body, sentence):
    PostFactory(slug="one", published=True)
    client.force_login(reader)

    response = client.post("/blog/one/comments/", {"body": body})

    assert response.status_code == 400
    assert sentence in html(response)
    assert not Comment.objects.exists()


def test_a_refused_comment_comes_back_with_the_reason(client, reader):
    PostFactory(slug="one", published=True)
    client.force_login(reader)
    said = {"body": "Well said."}
    client.post("/blog/one/comments/", said)

    response = client.post("/blog/one/comments/", said)

    assert response.status_code == 409
    assert "You have just said that; it has arrived." in html(response)
    assert "Well said.</textarea>" in html(response)


def test_an_answer_to_what_is_gone_comes_back_with_the_reason(client, reader):
    PostFactory(slug="one", published=True)
    client.force_login(reader)

    response = client.post(
        "/blog/one/comments/",
        {"body": "Yes.", "parent": "00000000-0000-4000-8000-000000000000"},
    )

    assert response.status_code == 409
    assert "no longer there" in html(response)


def test_a_draft_of_ones_own_takes_no_comment(client, author):
    PostFactory(slug="one", author=author)
    client.force_login(author)

    response = client.post("/blog/one/comments/", {"body": "Yes."})

    assert response.status_code == 409
    assert not Comment.objects.exists()


def test_nobody_comments_on_a_foreign_draft(client, reader):
    PostFactory(slug="one")
    client.force_login(reader)

    assert client.post("/blog/one/comments/", {"body": "Yes."}).status_code == 404


def test_commenting_asks_people_to_sign_in_and_brings_them_back(client, reader):
    PostFactory(slug="one", published=True)

    asked = client.post("/blog/one/comments/", {"body": "Yes."})

    assert asked["Location"] == "/accounts/login/?next=/blog/one/comments/"
    client.force_login(reader)
    assert client.get("/blog/one/comments/")["Location"] == "/blog/one/#comments"


# Covers


@pytest.fixture
def covered(author, photo, now):
    fields = {"title": "One", "body": "Text.", "cover_alt": "A desk."}
    with covers.stored(photo) as cover:
        return posts.write_post(
            author=author, fields=fields | {"cover": cover}, actor=author, now=now
        )


def test_a_cover_is_served_for_good_once_published(client, covered, now):
    posts.publish_post(post=covered, actor=None, now=now)

    response = client.get(covered.cover_url)

    assert response["Content-Type"] == "image/png"
    assert response["Cache-Control"] == "public, max-age=31536000, immutable"
    assert b"".join(response)[:4] == b"\x89PNG"
    page = html(client.get("/blog/one/"))
    assert (
        f'<img src="{covered.cover_url}" alt="A desk." width="40" height="20">' in page
    )


def test_the_cover_of_a_draft_is_for_who_may_see_it(client, covered):
    assert client.get(covered.cover_url).status_code == 404

    client.force_login(covered.author)
    response = client.get(covered.cover_url)
    response.close()

    assert response["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("name", ["missing.png", "..%2Fsecret.png"])
def test_what_is_no_cover_is_not_found(client, name):
    assert client.get(f"/blog/covers/{name}").status_code == 404


def test_a_cover_whose_file_is_lost_is_not_found(client, covered, now):
    posts.publish_post(post=covered, actor=None, now=now)
    default_storage.delete(Post.objects.get().cover.name)

    assert client.get(covered.cover_url).status_code == 404


# For machines


def test_robots_are_kept_from_what_is_private(client):
    response = client.get("/robots.txt")

    assert response["Content-Type"] == "text/plain"
    assert html(response).splitlines() == [
        "User-agent: *",
        "Disallow: /i/",
        "Disallow: /admin/",
        "Disallow: /accounts/",
        "Disallow: /api/",
        "Sitemap: http://localhost:8000/sitemap.xml",
    ]
