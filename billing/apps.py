from django.apps import AppConfig


class BillingConfig(AppConfig):
    name = "billing"

    def ready(self) -> None:
        # Registers the system checks.
        from billing import checks  # noqa: F401, PLC0415
