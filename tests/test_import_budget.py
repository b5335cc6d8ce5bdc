"""
What a request may load: a fresh environment of a stage, and one request to it.

A person waits for every module that a cold start imports. What is listed here took long
to load and is needed elsewhere: whoever needs it here as well says so by taking it out.
"""

import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import connection

from accounts.models import Edition
from tests.billing.world import finalized
from tests.config.test_settings import stage_environment
from tests.factories import CommentFactory, PostFactory

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = """
import json, os, sys
from django.conf import settings
# Static files are hashed when a package is built, and here there is none.
settings.STORAGES["staticfiles"]["BACKEND"] = (
    "django.contrib.staticfiles.storage.StaticFilesStorage"
)
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
from config import lambda_handler
event = {
    "httpMethod": "GET",
    "path": sys.argv[1],
    "headers": {"Host": "pay.example.com"},
    "requestContext": {"identity": {"sourceIp": "192.0.2.1"}},
}
code = lambda_handler.SITE.answer(event)[0]["statusCode"] if sys.argv[1] else 0
json.dump([code, list(sys.modules)], answers)
"""

# For nobody who reads: what draws, pays, stores, signs in and describes.
NEVER = {
    "PIL",
    "allauth.account.urls",
    "allauth.mfa.base.views",
    "allauth.mfa.webauthn",
    "babel.messages",
    "boto3",
    "botocore",
    "config.admin",
    "config.back_office",
    "config.description",
    "cryptography",
    "django.test",
    "drf_spectacular.openapi",
    "drf_spectacular.views",
    "fido2",
    "markdown_it",
    "nh3",
    "qrcode",
    "reportlab",
    "requests.sessions",
    "storages",
    "stripe",
    "unfold.admin",
    "unfold.sites",
    "unittest",
    "urllib3",
    "werkzeug",
    "yaml.loader",
    "zappa",
}
API = {"blog.api", "invoices.api", "billing.api", "accounts.api.views"}
PAGES = {"accounts.urls", "rest_framework.routers"}


def answer(path):
    """The status, and names of all modules loaded by then."""
    database = connection.settings_dict
    if connection.vendor == "sqlite":
        url = f"sqlite:///{database['NAME']}"
    else:
        url = "mysql://{USER}:{PASSWORD}@{HOST}:{PORT}/{NAME}".format(**database)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, path],
        cwd=settings.BASE_DIR,
        env={"PATH": os.environ["PATH"]}
        | stage_environment()
        | {"DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    status, modules = json.loads(done.stdout)
    return status, set(modules)


def loaded(modules, unwanted):
    """Those of the unwanted that are there, packages by anything in them."""
    return {
        name
        for name in unwanted
        if any(module == name or module.startswith(f"{name}.") for module in modules)
    }


def check(path, *, without, at_most):
    status, modules = answer(path)
    assert status in {0, 200}
    assert loaded(modules, NEVER | without) == set()
    assert len(modules) <= at_most


def test_init_loads_no_app_s_views():
    check("", without=API | PAGES | {"blog.views", "billing.views"}, at_most=835)


def test_a_page_of_the_blog():
    CommentFactory(post=PostFactory(published=True, slug="first"), approved=True)

    for path in ("/", "/blog/first/"):
        check(path, without=API | PAGES | {"billing.views"}, at_most=970)


def test_a_list_of_the_api():
    PostFactory(published=True, slug="first")
    # Of a migration, and emptied with all tables by the test before.
    Edition.objects.get_or_create(pk=Edition.ONLY)
    unneeded = {"blog.api.views", "django_filters", "rest_framework.views", "knox.auth"}
    others = {"accounts.api.views", "invoices.api", "billing.api", "billing.views"}

    for path in ("/api/v1/posts/", "/api/v1/posts/first/"):
        check(path, without=others | unneeded | {"accounts.urls"}, at_most=860)


def test_the_page_on_which_an_invoice_is_paid():
    invoice = finalized()

    check(f"/i/{invoice.link_token}/", without=API | PAGES, at_most=1010)
