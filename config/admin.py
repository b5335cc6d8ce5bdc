"""The back office: who may enter, and what it offers them."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Final

from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView, redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.csp import CSP
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.decorators.csp import csp_override
from unfold.admin import ModelAdmin
from unfold.sites import UnfoldAdminSite

from accounts.http import is_operator, own_memberships, own_zone

# Unfold's Alpine evaluates the expressions in attributes, its templates and htmx bring
# styles of their own, and its pop-ups are frames. It has no inline script.
LOOSENED: Final = {
    "script-src": [CSP.SELF, CSP.UNSAFE_EVAL],
    "style-src": [CSP.SELF, CSP.UNSAFE_INLINE],
    "frame-ancestors": [CSP.SELF],
}

# The sidebar: models by job, each with its icon.
MENU: Final[Mapping[str, Mapping[str, str]]] = {
    "Invoicing": {
        "invoices.invoice": "receipt_long",
        "invoices.customer": "contacts",
        "invoices.creditnote": "assignment_return",
        "invoices.taxrate": "percent",
        "invoices.series": "tag",
        "invoices.reminderstep": "notifications",
        "invoices.delivery": "outgoing_mail",
        "invoices.document": "picture_as_pdf",
        "invoices.attachment": "attach_file",
    },
    "Money": {
        "billing.payment": "payments",
        "invoices.manualpayment": "account_balance",
        "billing.heldpayment": "front_hand",
        "billing.refund": "undo",
        "billing.dispute": "gavel",
        "billing.checkout": "shopping_cart_checkout",
        "invoices.ledgerentry": "menu_book",
        "invoices.balanceentry": "account_balance_wallet",
        "billing.reconciliationfinding": "rule",
        "billing.reconciliationrun": "sync_alt",
        "billing.stripeevent": "webhook",
    },
    "Blog": {
        "blog.post": "article",
        "blog.comment": "forum",
        "blog.tag": "label",
    },
    "People": {
        "accounts.business": "store",
        "accounts.membership": "badge",
        "accounts.invitation": "person_add",
        "accounts.user": "person",
        "account.emailaddress": "alternate_email",
        "mfa.authenticator": "passkey",
        "accounts.apitoken": "key",
    },
    "System": {
        "accounts.event": "history",
        "accounts.webhookendpoint": "webhook",
        "accounts.webhookdelivery": "outbox",
        "django_tasks_database.dbtaskresult": "conveyor_belt",
    },
}


class BackOffice(UnfoldAdminSite):
    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)
        # In bulk, rows are deleted without their service.
        self.disable_action("delete_selected")

    def register(
        self, model_or_iterable: Any, admin_class: Any = None, **options: Any
    ) -> None:
        """Libraries' own pages, which know nothing of businesses, are left out."""
        if admin_class is not None and issubclass(admin_class, ModelAdmin):
            super().register(model_or_iterable, admin_class, **options)

    def get_urls(self) -> list[Any]:
        # Where any row of any table is to be seen tells what it is called.
        return [
            url
            for url in super().get_urls()
            if getattr(url, "name", None) != "view_on_site"
        ]

    # Who may enter

    def has_permission(self, request: HttpRequest) -> bool:
        user = request.user
        return user.is_active and (
            user.is_staff or is_operator(request) or bool(own_memberships(request))
        )

    def admin_view(
        self, view: Callable[..., HttpResponseBase], cacheable: bool = False
    ) -> Callable[..., HttpResponseBase]:
        inner = super().admin_view(view, cacheable)

        def guarded(
            request: HttpRequest, *args: Any, **kwargs: Any
        ) -> HttpResponseBase:
            if request.user.is_authenticated and not self.has_permission(request):
                return _no_entry(request)
            # Rendered in it as well, and left however that ends: a process of Lambda's
            # answers others afterwards.
            with timezone.override(own_zone(request)):
                response: HttpResponseBase = inner(request, *args, **kwargs)
                if isinstance(response, SimpleTemplateResponse):
                    response.render()
            return response

        return csp_override({**settings.SECURE_CSP, **LOOSENED})(guarded)

    # allauth asks for the second factor, limits the rate and tells by mail.

    @method_decorator(never_cache)
    @login_not_required  # leads to the page where people sign in
    def login(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        wanted = LoginView(request=request).get_redirect_url() or reverse("admin:index")
        if request.user.is_authenticated:
            return redirect(wanted)
        return redirect_to_login(wanted, reverse("account_login"))

    def logout(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_logout", preserve_request=True)

    def password_change(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")


def _no_entry(request: HttpRequest) -> HttpResponse:
    return TemplateResponse(
        request, "admin/no_entry.html", status=HTTPStatus.FORBIDDEN
    ).render()


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Unfold's sidebar: the front page, and what the person may look at, by job."""
    front = {"title": "Overview", "icon": "dashboard", "link": reverse("admin:index")}
    groups = [
        {"title": title, "separator": True, "items": _entries(request, icons)}
        for title, icons in MENU.items()
    ]
    return [{"items": [front]}, *(group for group in groups if group["items"])]


def _entries(request: HttpRequest, icons: Mapping[str, str]) -> list[dict[str, str]]:
    entries = []
    for name, icon in icons.items():
        model_admin = admin.site.get_model_admin(apps.get_model(name))
        opts = model_admin.opts
        if model_admin.has_view_permission(request):
            link = reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist")
            title = str(opts.verbose_name_plural)
            entries.append(
                {"title": title[0].upper() + title[1:], "icon": icon, "link": link}
            )
    return entries
