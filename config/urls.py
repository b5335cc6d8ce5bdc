"""Every address of the site. Never begin one with the name of a stage."""

from django.conf import settings
from django.contrib import admin
from django.contrib.auth.decorators import login_not_required
from django.urls import URLPattern, URLResolver, include, path
from django.views.static import serve
from drf_spectacular.views import SpectacularAPIView
from rest_framework.routers import SimpleRouter

from accounts.api.views import (
    BusinessViewSet,
    EventViewSet,
    InvitationViewSet,
    MembershipViewSet,
    TokenViewSet,
    UserViewSet,
)
from billing.api.views import PaymentViewSet, RefundViewSet
from blog.api.views import CommentViewSet, PostViewSet, TagViewSet
from config import views
from invoices.api.views import CustomerViewSet, InvoiceViewSet, TaxRateViewSet

router = SimpleRouter()
router.register("users", UserViewSet, basename="user")
router.register("businesses", BusinessViewSet, basename="business")
router.register("members", MembershipViewSet, basename="member")
router.register("invitations", InvitationViewSet, basename="invitation")
router.register("tokens", TokenViewSet, basename="token")
router.register("events", EventViewSet, basename="event")
router.register("posts", PostViewSet, basename="post")
router.register("comments", CommentViewSet, basename="comment")
router.register("tags", TagViewSet, basename="tag")
router.register("customers", CustomerViewSet, basename="customer")
router.register("tax-rates", TaxRateViewSet, basename="tax-rate")
router.register("invoices", InvoiceViewSet, basename="invoice")
router.register("payments", PaymentViewSet, basename="payment")
router.register("refunds", RefundViewSet, basename="refund")

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("accounts/", include("accounts.urls")),
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include(router.urls)),
    path("api/schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path(
        "api/docs/",
        # Public, as the schema it shows is.
        login_not_required(views.api_docs),
        name="api-docs",
    ),
    path("", include("blog.urls")),
    path("", include("billing.urls")),
    path("healthz", views.healthz, name="healthz"),
    path("readyz", views.readyz, name="readyz"),
]

handler404 = views.not_found

if not settings.MEDIA_BUCKET:
    urlpatterns += [
        path(
            "media/<path:path>",
            # Covers and logos are on public pages.
            login_not_required(serve),
            {"document_root": settings.MEDIA_ROOT},
            name="media",
        )
    ]
