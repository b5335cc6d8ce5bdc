from rest_framework.routers import SimpleRouter

from invoices.api import views

app_name = "invoices-api"

router = SimpleRouter()
router.register("customers", views.CustomerViewSet, basename="customer")
router.register("tax-rates", views.TaxRateViewSet, basename="tax-rate")
router.register("invoices", views.InvoiceViewSet, basename="invoice")

urlpatterns = router.urls
