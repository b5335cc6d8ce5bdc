from xml.etree import ElementTree as ET

import pytest

from tests.factories import PostFactory, TagFactory, UserFactory

pytestmark = pytest.mark.django_db

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"


def addresses(client):
    root = ET.fromstring(client.get("/sitemap.xml").content)  # noqa: S314 - our own
    return {
        url.findtext(f"{SITEMAP}loc"): url.findtext(f"{SITEMAP}lastmod")
        for url in root.iter(f"{SITEMAP}url")
    }


def test_sitemap_lists_each_public_page_once(client):
    jo, tax = UserFactory(username="jo"), TagFactory(slug="tax")
    for slug in ("one", "two"):
        PostFactory(slug=slug, author=jo, published=True).tags.add(tax)

    assert addresses(client) == {
        "http://localhost:8000/": None,
        "http://localhost:8000/blog/one/": "2026-02-01",
        "http://localhost:8000/blog/two/": "2026-02-01",
        "http://localhost:8000/blog/tags/tax/": "2026-02-01",
        "http://localhost:8000/blog/authors/jo/": "2026-02-01",
    }


def test_sitemap_knows_nothing_of_drafts(client):
    PostFactory().tags.add(TagFactory())

    assert addresses(client) == {"http://localhost:8000/": None}


def test_sitemap_needs_five_queries_however_many_posts(
    client, django_assert_num_queries
):
    PostFactory.create_batch(3, published=True)

    with django_assert_num_queries(5):
        client.get("/sitemap.xml")


def test_sitemap_names_the_sites_own_host(client, settings):
    settings.SITE_URL = "https://pay.example.com"

    assert addresses(client) == {"https://pay.example.com/": None}
