"""The blog's pages, for search engines."""

from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sitemaps import Sitemap
from django.db.models import Max, Model, QuerySet
from django.urls import reverse

from accounts.models import User
from blog.models import Post, Tag
from blog.states import PostStatus


class OwnHost[M: Model](Sitemap[M]):
    """Addresses begin as the site's own do, whatever host the request named."""

    def get_protocol(self, protocol: str | None = None) -> str:
        return urlsplit(settings.SITE_URL).scheme

    def get_domain(self, site: Any = None) -> str:
        return urlsplit(settings.SITE_URL).netloc


class PostSitemap(OwnHost[Post]):
    def items(self) -> QuerySet[Post]:
        posts = Post.objects.published().newest_first()
        return posts.only("slug", "revised_at")

    def lastmod(self, item: Post) -> datetime:
        return item.revised_at


class TagSitemap(OwnHost[Tag]):
    def items(self) -> QuerySet[Tag]:
        return Tag.objects.used().order_by("pk")

    def lastmod(self, item: Any) -> datetime:
        revised_at: datetime = item.revised_at
        return revised_at


class AuthorSitemap(OwnHost[User]):
    def items(self) -> QuerySet[User]:
        authors = User.objects.filter(posts__status=PostStatus.PUBLISHED)
        return authors.annotate(revised_at=Max("posts__revised_at")).order_by("pk")

    def lastmod(self, item: Any) -> datetime:
        revised_at: datetime = item.revised_at
        return revised_at

    def location(self, item: User) -> str:
        return reverse("blog:author", args=[item.username])


class IndexSitemap(OwnHost[Any]):
    def items(self) -> list[str]:
        return ["blog:index"]

    def location(self, item: str) -> str:
        return reverse(item)


SECTIONS: dict[str, type[OwnHost[Any]]] = {
    "index": IndexSitemap,
    "posts": PostSitemap,
    "tags": TagSitemap,
    "authors": AuthorSitemap,
}
