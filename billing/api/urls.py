from rest_framework.routers import SimpleRouter

from billing.api import views

app_name = "billing-api"

router = SimpleRouter()
router.register("payments", views.PaymentViewSet, basename="payment")
router.register("disputes", views.DisputeViewSet, basename="dispute")
router.register("refunds", views.RefundViewSet, basename="refund")

urlpatterns = router.urls
