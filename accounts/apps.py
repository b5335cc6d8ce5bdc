from importlib import import_module

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        # Its receivers connect by being imported, which needs every model.
        import_module("accounts.receivers")
