from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from tests.factories import PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db

ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def read(client):
    def parsed():
        return ET.fromstring(client.get("/blog/feed/").content)  # noqa: S314 - our own

    return parsed


def text(element, name):
    return element.findtext(f"{ATOM}{name}")


def test_feed_has_what_atom_demands(client, read):
    PostFactory(published=True, revised_at=datetime(2026, 3, 1, tzinfo=UTC))

    feed = read()

    assert client.get("/blog/feed/")["Content-Type"].startswith("application/atom+xml")
    assert feed.tag == f"{ATOM}feed"
    assert text(feed, "id") == "http://localhost:8000/"
    assert text(feed, "title") == "PayMyInvoice: the blog"
    assert text(feed, "updated") == "2026-03-01T00:00:00+00:00"
    links = {link.get("rel"): link.get("href") for link in feed.iter(f"{ATOM}link")}
    assert links["self"] == "http://localhost:8000/blog/feed/"


def test_an_entry_has_what_atom_demands(read):
    jo = UserFactory(username="jo", full_name="Jo Doe", email="jo@example.com")
    post = PostFactory(
        title="Fish & chips",
        slug="fish",
        author=jo,
        body_html="<p>For <em>two</em>.</p>",
        summary="For two.",
        published=True,
        revised_at=datetime(2026, 3, 1, tzinfo=UTC),
    )
    post.tags.add(TagFactory(name="food"))

    [entry] = read().iter(f"{ATOM}entry")

    assert text(entry, "id") == f"urn:uuid:{post.public_id}"
    assert text(entry, "title") == "Fish & chips"
    assert text(entry, "published") == "2026-02-01T08:00:00+00:00"
    assert text(entry, "updated") == "2026-03-01T00:00:00+00:00"
    assert text(entry, "summary") == "For two."
    assert text(entry, "content") == "<p>For <em>two</em>.</p>"
    assert entry.find(f"{ATOM}content").get("type") == "html"
    assert entry.find(f"{ATOM}link").get("href") == "http://localhost:8000/blog/fish/"
    author = entry.find(f"{ATOM}author")
    assert [(child.tag, child.text) for child in author] == [
        (f"{ATOM}name", "Jo Doe"),
        (f"{ATOM}uri", "http://localhost:8000/blog/authors/jo/"),
    ]
    assert entry.find(f"{ATOM}category").get("term") == "food"


def test_feed_has_the_twenty_newest_published_posts(read):
    PostFactory()
    newest = PostFactory.create_batch(21, published=True)[::-1][:20]

    found = [text(entry, "title") for entry in read().iter(f"{ATOM}entry")]

    assert found == [post.title for post in newest]


def test_an_empty_feed_is_valid(read):
    feed = read()

    assert text(feed, "updated")
    assert list(feed.iter(f"{ATOM}entry")) == []
    assert feed.find(f"{ATOM}author/{ATOM}name").text == "PayMyInvoice"


def test_an_unchanged_feed_is_not_sent_twice(client):
    PostFactory(published=True)
    first = client.get("/blog/feed/")

    again = client.get("/blog/feed/", headers={"If-None-Match": first["ETag"]})

    assert first["Last-Modified"] == "Sun, 01 Feb 2026 08:00:00 GMT"
    assert again.status_code == 304


def test_letters_that_xml_cannot_write_are_left_out(read):
    post = PostFactory(
        title="A\x0bB",
        author__full_name="Jo\x08 Doe",
        summary="C\x1fD",
        body_html="<p>E\x01\nF\uffff</p>",
        published=True,
    )
    post.tags.add(TagFactory(name="g\x0ch"))

    [entry] = read().iter(f"{ATOM}entry")

    assert text(entry, "title") == "AB"
    assert text(entry, "summary") == "CD"
    assert text(entry, "content") == "<p>E\nF</p>"
    assert entry.findtext(f"{ATOM}author/{ATOM}name") == "Jo Doe"
    assert entry.find(f"{ATOM}category").get("term") == "gh"
