from django.contrib.auth.decorators import login_not_required
from django.contrib.sitemaps.views import sitemap
from django.urls import path

from blog import feeds, views
from blog.sitemaps import SECTIONS

app_name = "blog"

# A first word after /blog/ that is not a post's is in `blog.services.slugs.TAKEN`.
urlpatterns = [
    path("", views.PostList.as_view(), name="index"),
    path("blog/feed/", feeds.feed, name="feed"),
    path("blog/tags/<slug:slug>/", views.TagPosts.as_view(), name="tag"),
    path("blog/authors/<str:username>/", views.AuthorPosts.as_view(), name="author"),
    path("blog/covers/<str:name>", views.cover, name="cover"),
    path("blog/<slug:slug>/", views.post, name="post"),
    path("blog/<slug:slug>/comments/", views.comment, name="comment"),
    path(
        "sitemap.xml",
        # Search engines have no account.
        login_not_required(sitemap),
        {"sitemaps": SECTIONS},
        name="sitemap",
    ),
    path("robots.txt", views.robots, name="robots"),
]
