"""Every address of the site. Never begin one with the name of a stage."""

from typing import Final

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, path
from django.views.static import serve

from config import outages, views
from config.later import LoadedLater

# Pages link to some of these; the rest is here so that none needs allauth to be loaded.
SIGNING_IN: Final = {
    "account_login": "login/",
    "account_confirm_login_code": "login/code/confirm/",
    "account_logout": "logout/",
    "account_inactive": "inactive/",
    "account_signup": "signup/",
    "account_reauthenticate": "reauthenticate/",
    "account_email": "email/",
    "account_email_verification_sent": "confirm-email/",
    "account_confirm_email": "confirm-email/<str:key>/",
    "account_change_password": "password/change/",
    "account_set_password": "password/set/",
    "account_reset_password": "password/reset/",
    "account_reset_password_done": "password/reset/done/",
    "account_reset_password_from_key": "password/reset/key/<str:uidb36>-<str:key>/",
    "account_reset_password_from_key_done": "password/reset/key/done/",
    "mfa_index": "2fa/",
    "mfa_authenticate": "2fa/authenticate/",
    "mfa_reauthenticate": "2fa/reauthenticate/",
    "mfa_activate_totp": "2fa/totp/activate/",
    "mfa_deactivate_totp": "2fa/totp/deactivate/",
    "mfa_view_recovery_codes": "2fa/recovery-codes/",
    "mfa_generate_recovery_codes": "2fa/recovery-codes/generate/",
    "mfa_download_recovery_codes": "2fa/recovery-codes/download/",
    "mfa_list_webauthn": "2fa/webauthn/",
    "mfa_add_webauthn": "2fa/webauthn/add/",
    "mfa_reauthenticate_webauthn": "2fa/webauthn/reauthenticate/",
    "mfa_remove_webauthn": "2fa/webauthn/keys/<int:pk>/remove/",
    "mfa_edit_webauthn": "2fa/webauthn/keys/<int:pk>/edit/",
    "mfa_login_webauthn": "2fa/webauthn/login/",
}
DESCRIPTION: Final = {"api-schema": "schema/", "api-docs": "docs/"}

urlpatterns: list[URLPattern | URLResolver] = [
    LoadedLater("admin/", "config.back_office", app_name="admin"),
    LoadedLater("accounts/", "accounts.urls", app_name="accounts"),
    LoadedLater("accounts/", "allauth.urls", names=SIGNING_IN),
    LoadedLater("verify/", "invoices.urls", app_name="invoices"),
    # What most requests to the API are for; `blog.api.urls` has these as well.
    LoadedLater("api/v1/posts/", "blog.api.reads"),
    LoadedLater("api/v1/", "blog.api.urls", app_name="blog-api"),
    LoadedLater("api/v1/", "accounts.api.urls", app_name="accounts-api"),
    LoadedLater("api/v1/", "invoices.api.urls", app_name="invoices-api"),
    LoadedLater("api/v1/", "billing.api.urls", app_name="billing-api"),
    LoadedLater("api/", "config.description", names=DESCRIPTION),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
    # These begin with nothing, so they are tried after all others.
    LoadedLater("", "blog.urls", app_name="blog"),
    LoadedLater("", "billing.urls", app_name="billing"),
]

handler403 = views.forbidden
handler404 = views.not_found
handler500 = outages.broken

if not settings.MEDIA_BUCKET:
    urlpatterns.insert(
        0,
        path(
            "media/<path:path>",
            # Covers and logos are on public pages.
            login_not_required(serve),
            {"document_root": settings.MEDIA_ROOT},
            name="media",
        ),
    )
