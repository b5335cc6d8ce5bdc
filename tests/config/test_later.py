"""What is loaded when it is asked for is the same as if it had been there all along."""

import subprocess
import sys

import allauth.urls
import pytest
from django.urls import (
    NoReverseMatch,
    URLPattern,
    clear_url_caches,
    get_resolver,
    resolve,
    reverse,
)

from config import description
from config.later import LoadedLater
from config.urls import DESCRIPTION, SIGNING_IN

KEY = {"key": "MQ:1abc-_Z", "uidb36": "1z", "pk": 7}


def named(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern
        else:
            yield from named(pattern.url_patterns)


@pytest.fixture
def fresh_urls():
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.mark.parametrize(
    ("names", "urlconf"), [(SIGNING_IN, allauth.urls), (DESCRIPTION, description)]
)
def test_the_names_that_are_known_are_those_that_there_are(names, urlconf):
    assert set(names) == {pattern.name for pattern in named(urlconf.urlpatterns)}


@pytest.mark.parametrize("name", [*SIGNING_IN, *DESCRIPTION])
def test_a_known_name_leads_to_the_view_of_that_name(name):
    route = (SIGNING_IN | DESCRIPTION)[name]
    kwargs = {key: value for key, value in KEY.items() if f":{key}>" in route}

    match = resolve(reverse(name, kwargs=kwargs))

    assert (match.url_name, match.kwargs) == (name, kwargs)


def test_every_name_of_an_app_is_reversed():
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, LoadedLater) and resolver.app_name:
            names = {pattern.name for pattern in named(resolver.url_patterns)} - {None}
            assert names
            assert names <= {name for name in resolver.reverse_dict if name}


def test_a_name_that_is_not_there_is_refused(fresh_urls):
    for name in ("nothing", "blog:nothing", "nothing:index", "blog:nothing:index"):
        with pytest.raises(NoReverseMatch):
            reverse(name)


def test_reversing_a_name_of_one_app_loads_no_other():
    script = (
        "import django, sys; django.setup();"
        "from django.urls import reverse;"
        "reverse('blog:index'), reverse('account_login'), reverse('api-docs');"
        "print(*sorted({'accounts.urls', 'allauth.urls', 'billing.urls', 'blog.urls',"
        " 'blog.api.urls', 'config.back_office', 'config.description'}"
        " & set(sys.modules)))"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["blog.urls"]


def test_what_a_library_only_looks_for_is_imported_by_its_first_use():
    script = (
        "import config.apps, sys; import yaml;"
        "before = 'yaml.loader' in sys.modules;"
        "yaml.safe_load('a: 1');"
        "print(before, 'yaml.loader' in sys.modules)"
    )

    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == ["False", "True"]
