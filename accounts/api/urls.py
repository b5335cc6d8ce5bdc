from rest_framework.routers import SimpleRouter

from accounts.api import views, webhooks

app_name = "accounts-api"

router = SimpleRouter()
router.register("users", views.UserViewSet, basename="user")
router.register("businesses", views.BusinessViewSet, basename="business")
router.register("members", views.MembershipViewSet, basename="member")
router.register("invitations", views.InvitationViewSet, basename="invitation")
router.register("tokens", views.TokenViewSet, basename="token")
router.register("events", views.EventViewSet, basename="event")
router.register(
    "webhook-endpoints", webhooks.WebhookEndpointViewSet, basename="webhook-endpoint"
)

urlpatterns = router.urls
