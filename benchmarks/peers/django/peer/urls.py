from django.urls import include, path
from rest_framework.routers import SimpleRouter

from peer.views import PostViewSet

router = SimpleRouter()
router.register("posts", PostViewSet, basename="post")
urlpatterns = [path("api/v1/", include(router.urls))]
