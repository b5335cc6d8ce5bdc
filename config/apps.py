import sys
from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.contrib.admin.apps import SimpleAdminConfig
from django.contrib.admin.checks import check_admin_app, check_dependencies
from django.core.checks import CheckMessage, Tags, register

from config.later import ImportedLater

sys.meta_path.insert(
    0,
    ImportedLater(
        # REST framework looks whether it has these, and never uses them here.
        "inflection",
        "requests",
        "uritemplate",
        "yaml",
        # Django takes SQL apart where it migrates and inspects.
        "sqlparse.engine",
        "sqlparse.filters",
    ),
)


class ConfigConfig(AppConfig):
    """Carries the commands that span every app."""

    name = "config"


class AdminConfig(SimpleAdminConfig):
    """The back office, whose models are registered when it is asked for, or checked."""

    default_site = "config.admin.BackOffice"

    def ready(self) -> None:
        register(check_dependencies, Tags.admin)
        register(check_back_office, Tags.admin)


class UnfoldConfig(AppConfig):
    """Unfold's templates; its own configuration would load its site at once."""

    name = "unfold"


def check_back_office(app_configs: Any, **options: Any) -> list[CheckMessage]:
    import_module("config.back_office")
    return check_admin_app(app_configs, **options)
