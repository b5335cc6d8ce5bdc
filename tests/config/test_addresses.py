"""A stage without a domain, whose every path begins with its name."""

import re
from urllib.parse import urljoin

import pytest
from django.template.loader import render_to_string
from django.urls import get_script_prefix, set_script_prefix

from config import gateway
from invoices import selectors
from tests.addresses import HOST, SITE, STAGE, walked
from tests.billing.world import finalized
from tests.config.shapes import Sent, received, rest_api
from tests.config.test_settings import start
from tests.factories import PostFactory, TagFactory

# The site closes connections after each request, which a transaction would be.
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ask(settings):
    """Asks the stage `dev` for a path, as API Gateway does."""
    before = get_script_prefix()
    settings.ALLOWED_HOSTS = [HOST]
    settings.SITE_URL, settings.FORCE_SCRIPT_NAME = f"https://{HOST}", STAGE
    settings.STATIC_URL, settings.MEDIA_URL = f"{STAGE}/static/", f"{STAGE}/media/"
    set_script_prefix(STAGE)
    site = gateway.Gateway()

    def ask(path):
        path, _, query = path.partition("?")
        answer, _ = site.answer(rest_api(Sent(path=path, query=query, host=HOST)))
        return received(answer)

    yield ask
    set_script_prefix(before)


def published():
    post = PostFactory(published=True)
    post.tags.add(TagFactory())
    return post


def test_every_address_that_is_handed_out_leads_somewhere(ask):
    post, _ = published(), published()
    customers = selectors.customer_link(finalized())

    found = walked(
        ask,
        f"{SITE}/",
        f"{SITE}/blog/{post.slug}/",
        f"{SITE}/accounts/login/",
        customers,
        f"{SITE}/blog/feed/",
        f"{SITE}/sitemap.xml",
        f"{SITE}/robots.txt",
        f"{SITE}/api/v1/posts/?page_size=1",
        f"{SITE}/api/v1/posts/{post.slug}/",
        f"{SITE}/api/docs/",
    )

    # It takes nothing but a form.
    assert found.pop(f"{customers}pay/") == 405
    assert set(found.values()) == {200}
    assert found.keys() >= {
        f"{SITE}/",
        f"{SITE}/blog/{post.slug}/",
        f"{SITE}/blog/authors/{post.author.username}/",
        f"{SITE}/accounts/signup/",
        f"{customers}invoice.pdf",
        f"{SITE}/sitemap.xml",
        f"{SITE}/static/css/site.css",
    }


def test_a_worker_that_nobody_asks_by_an_address_knows_the_stage():
    code = (
        "import django; django.setup();"
        "from django.urls import reverse; print(reverse('blog:index'))"
    )
    variables = {"SITE_URL": SITE, "DJANGO_SETTINGS_MODULE": "config.settings"}

    assert start(code, **variables).stdout == f"{STAGE}/\n"


def test_robots_are_kept_out_of_what_is_below_the_stage(ask):
    assert b"Disallow: /dev/i/\n" in ask("/robots.txt").body


def test_a_script_is_told_of_a_wrong_address_in_json(ask):
    answer = ask("/api/v1/nothing/")

    assert answer.status == 404
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("page", ["400.html", "500.html", "503.html"])
def test_a_page_of_errors_finds_its_style_and_the_front_page(ask, page):
    text = render_to_string(page)

    links = [
        urljoin(f"{SITE}/blog/x/", link) for link in re.findall('href="(.+?)"', text)
    ]
    assert links == [
        f"{SITE}/static/css/site.css",
        f"{SITE}/static/favicon.svg",
        f"{SITE}/",
    ]


def test_whoever_has_to_sign_in_comes_back(ask):
    answer = ask("/accounts/")

    assert answer.status == 302
    assert (
        answer.headers["Location"] == f"{STAGE}/accounts/login/?next={STAGE}/accounts/"
    )


def test_the_description_says_where_the_api_is():
    code = "from config.settings import SPECTACULAR_SETTINGS as s; print(s['SERVERS'])"

    assert start(code, SITE_URL=SITE).stdout == "[{'url': '/dev'}]\n"
    assert start(code, SITE_URL="https://pay.example.com").stdout == "[]\n"
