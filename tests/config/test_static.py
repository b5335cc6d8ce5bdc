"""Static files: there when they are asked for, and unread until then."""

from contextlib import closing

import pytest
from django.http import HttpResponse

from config.static import StaticFiles

# To close a response is to look after the connections of its request.
pytestmark = pytest.mark.django_db


@pytest.fixture
def site(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_AUTOREFRESH = settings.WHITENOISE_USE_FINDERS = False
    (tmp_path / "site.css").write_text("p { margin: 0 }")
    return StaticFiles(lambda request: HttpResponse("a page"))


def test_a_file_is_served(site, rf):
    for _ in range(2):
        with closing(site(rf.get("/static/site.css"))) as response:
            assert b"".join(response) == b"p { margin: 0 }"
        assert response["Content-Type"] == 'text/css; charset="utf-8"'


def test_no_file_is_looked_at_for_a_page(site, rf):
    assert site(rf.get("/blog/static/")).content == b"a page"
    assert site.files == {}


def test_what_is_no_file_is_for_the_site(site, rf):
    assert site(rf.get("/static/none.css")).content == b"a page"


def test_a_laptop_sees_a_file_that_is_new(settings, tmp_path, rf):
    settings.STATIC_ROOT = tmp_path
    settings.WHITENOISE_AUTOREFRESH = True
    site = StaticFiles(lambda request: HttpResponse("a page"))
    assert site(rf.get("/static/new.css")).content == b"a page"

    (tmp_path / "new.css").write_text("p {}")

    with closing(site(rf.get("/static/new.css"))) as response:
        assert b"".join(response) == b"p {}"
