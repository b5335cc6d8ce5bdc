from django.urls import path
from rest_framework.routers import SimpleRouter

from blog.api import reads, views

app_name = "blog-api"

router = SimpleRouter()
router.register("posts", views.PostViewSet, basename="post")
router.register("comments", views.CommentViewSet, basename="comment")
router.register("tags", views.TagViewSet, basename="tag")

urlpatterns = [
    # What most requests are for, before the router, which has these as well.
    path("posts/", reads.posts),
    path("posts/<slug:slug>/", reads.post),
    *router.urls,
]
