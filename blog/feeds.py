"""The blog as an Atom feed."""

import re
from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.syndication.views import Feed
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed
from django.utils.xmlutils import SimplerXMLGenerator
from django.views.decorators.cache import cache_control
from django.views.decorators.http import conditional_page, require_safe

from blog.models import Post

ENTRIES = 20
# XML 1.0 has no way to write these; text from other programs may bring them.
UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class FullTextFeed(Atom1Feed):
    """Atom with the whole text of each entry; its relative links start at the site."""

    def root_attributes(self) -> dict[str, Any]:
        return {**super().root_attributes(), "xml:base": _index()}

    def add_item(self, *args: Any, **item: Any) -> None:
        super().add_item(
            *args, **{name: _writable(part) for name, part in item.items()}
        )

    def add_item_elements(
        self, handler: SimplerXMLGenerator, item: dict[str, Any]
    ) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})


def _index() -> str:
    return settings.SITE_URL + reverse("blog:index")


def _writable(part: Any) -> Any:
    if isinstance(part, str):
        return UNWRITABLE.sub("", part)
    return [_writable(each) for each in part] if isinstance(part, list) else part


class LatestPosts(Feed[Post, None]):
    feed_type = FullTextFeed
    title = "PayMyInvoice: the blog"
    subtitle = "What we publish."
    author_name = "PayMyInvoice"

    def link(self) -> str:
        return _index()

    def feed_url(self) -> str:
        return settings.SITE_URL + reverse("blog:feed")

    def items(self) -> QuerySet[Post]:
        posts = Post.objects.published().newest_first()
        return posts.select_related("author").with_tags()[:ENTRIES]

    def item_title(self, item: Post) -> str:
        return item.title

    def item_description(self, item: Post) -> str:
        return item.summary

    def item_link(self, item: Post) -> str:
        return settings.SITE_URL + item.get_absolute_url()

    def item_guid(self, item: Post) -> str:
        return item.public_id.urn

    def item_author_name(self, item: Post) -> str:
        return item.author.get_full_name()

    def item_author_link(self, item: Post) -> str:
        return settings.SITE_URL + reverse("blog:author", args=[item.author.username])

    def item_pubdate(self, item: Post) -> datetime | None:
        return item.published_at

    def item_updateddate(self, item: Post) -> datetime:
        return item.revised_at

    def item_categories(self, item: Post) -> list[str]:
        return [tag.name for tag in item.tags.all()]

    def item_extra_kwargs(self, item: Post) -> dict[str, Any]:
        return {"content": item.body_html}


# Feed readers have no account.
@login_not_required
@require_safe
@cache_control(no_cache=True)
@conditional_page
def feed(request: HttpRequest) -> HttpResponse:
    return LatestPosts()(request)
