"""Promises about the shape of the code that import-linter cannot see."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import OperationCategory
from django.urls import URLPattern, URLResolver, get_resolver

from config.management.commands.write_reference import HEAD, pages

# Lowest first: an app may point at itself and at anything before it.
ORDER = ["accounts", "blog", "invoices", "billing"]
MAY_POINT_AT = {
    "accounts": {"accounts"},
    "blog": {"accounts", "blog"},
    "invoices": {"accounts", "invoices"},
    "billing": {"accounts", "invoices", "billing"},
}
DATA = {OperationCategory.PYTHON, OperationCategory.SQL}


def our_models():
    return [model for app in ORDER for model in apps.get_app_config(app).get_models()]


def test_foreign_keys_point_down():
    wrong = [
        f"{model.__name__}.{field.name}"
        for model in our_models()
        for field in model._meta.get_fields()
        if isinstance(field, models.ForeignKey | models.ManyToManyField)
        and field.related_model._meta.app_label in MAY_POINT_AT
        and field.related_model._meta.app_label
        not in MAY_POINT_AT[model._meta.app_label]
    ]

    assert wrong == []


def test_no_constraint_is_one_that_mysql_would_drop():
    conditional = [
        constraint.name
        for model in our_models()
        for constraint in model._meta.constraints
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition
    ]

    assert conditional == []


def test_rows_are_ordered_where_it_matters_and_not_by_their_model():
    assert [model for model in our_models() if model._meta.ordering] == []


def test_migrations_change_schema_or_data_never_both():
    loader = MigrationLoader(None, ignore_no_migrations=True)
    mixed = [
        key
        for key, migration in loader.graph.nodes.items()
        if key[0] in ORDER
        and len({operation.category in DATA for operation in migration.operations}) > 1
    ]

    assert mixed == []


def test_migrations_say_what_they_do():
    loader = MigrationLoader(None, ignore_no_migrations=True)

    assert [
        key for key in loader.graph.nodes if key[0] in ORDER and "auto_" in key[1]
    ] == []


@pytest.mark.parametrize("name", pages())
def test_the_generated_reference_is_current(name):
    written = Path(settings.BASE_DIR) / "docs" / "reference" / name

    assert written.read_text() == HEAD + pages()[name]


# Whoever comes without an account may open these, and nothing else of ours.
PUBLIC = {
    "api-docs": "as public as the schema it shows",
    "healthz": "asked by load balancers",
    "readyz": "asked by load balancers",
    "media": "covers and logos are shown to everyone; a stage's bucket serves its own",
    "blog:index": "the blog is for everyone",
    "blog:post": "the blog is for everyone",
    "blog:tag": "the blog is for everyone",
    "blog:author": "the blog is for everyone",
    "blog:feed": "the blog is for everyone",
    "blog:cover": "the blog is for everyone",
    "blog:sitemap": "asked by search engines",
    "blog:robots": "asked by search engines",
    "accounts:accept_invitation": "whoever is invited may have no account yet",
    "billing:invoice": "customers have a secret link and no account",
    "billing:pay": "customers have a secret link and no account",
    "billing:return": "customers have a secret link and no account",
    "billing:document": "customers have a secret link and no account",
    "billing:credit_note": "customers have a secret link and no account",
    "billing:receipt": "customers have a secret link and no account",
    "billing:file": "customers have a secret link and no account",
    "invoices:verify": "whoever was sent a document may check it",
    "billing:stripe_webhook": "Stripe signs what it sends",
}
# Each of these guards its own views, and has its own tests for it.
GUARDED_ELSEWHERE = ("admin/", "api/v1/", "api/schema/", "accounts/")


def our_views(patterns, prefix="", namespace=""):
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{pattern.namespace}:" if pattern.namespace else namespace
            yield from our_views(pattern.url_patterns, path, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name}", path, pattern.callback


def test_every_page_wants_a_sign_in_except_those_listed_with_a_reason():
    public = {
        name
        for name, path, view in our_views(get_resolver().url_patterns)
        if not getattr(view, "login_required", True)
        and (name in PUBLIC or not path.startswith(GUARDED_ELSEWHERE))
    }

    assert public == set(PUBLIC)


def test_a_cold_start_does_not_pay_for_what_a_page_never_uses():
    script = (
        "import sys, django; django.setup();"
        "from django.urls import get_resolver; get_resolver().url_patterns;"
        "heavy = {'stripe', 'reportlab', 'boto3', 'babel.numbers', 'markdown_it'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=settings.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "config.settings"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert result.stdout == "[]\n"
