from rest_framework.routers import SimpleRouter

from blog.api import views

app_name = "blog-api"

router = SimpleRouter()
router.register("posts", views.PostViewSet, basename="post")
router.register("comments", views.CommentViewSet, basename="comment")
router.register("tags", views.TagViewSet, basename="tag")

urlpatterns = router.urls
