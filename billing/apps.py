from importlib import import_module

from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        # Its checks register by being imported, which needs the settings.
        import_module("billing.checks")
        # Hears what the apps below declare.
        import_module("billing.receivers")
