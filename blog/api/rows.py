"""
Posts as the API shows them, from statements that the ORM writes once.

Without REST framework, so that nobody who only reads has to wait until it is loaded.
"""

import json
from datetime import datetime
from functools import lru_cache
from pathlib import PurePath
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet, Value
from django.urls import reverse

from accounts.api.cursors import LARGEST_PAGE
from accounts.prepared import Prepared
from blog.models import Post

type Row = dict[str, Any]

# Of the post itself; a list leaves the texts out.
FIELDS: Final = (
    "public_id",
    "slug",
    "status",
    "title",
    "excerpt",
    "summary",
    "cover",
    "cover_alt",
    "comments_open",
    "published_at",
    "revised_at",
    "created_at",
)
TEXTS: Final = ("body", "body_html")
COLUMNS: Final = (
    "pk",
    *FIELDS,
    "username",
    "full_name",
    "comment_count",
    "tag_names",
    "edition",
)


def _whole(slug: Value) -> QuerySet[Any, Any]:
    rows = Post.objects.published().filter(slug=slug).whole()
    return rows.values_list(*COLUMNS, *TEXTS)


_published: Final = Prepared(_whole, "slug")


def published(slug: str) -> Row | None:
    """What everybody may read under this address, and the edition it belongs to."""
    for values in _published(slug=slug):
        return dict(zip(COLUMNS + TEXTS, values, strict=True))
    return None


def newest(size: int, before: int | None) -> list[Row]:
    """
    What everybody may read, newest first, without texts; each with its edition.

    :param before: the `pk` that ended the page before
    """
    found = _page(size)() if before is None else _later_page(size)(before=before)
    return [dict(zip(COLUMNS, values, strict=True)) for values in found]


# A statement names the size of its page.
@lru_cache(LARGEST_PAGE)
def _page(size: int) -> Prepared:
    return Prepared(lambda: _newest(Post.objects.published(), size))


@lru_cache(LARGEST_PAGE)
def _later_page(size: int) -> Prepared:
    def before(before: Value) -> QuerySet[Any, Any]:
        return _newest(Post.objects.published().filter(pk__lt=before), size)

    return Prepared(before, "before")


def _newest(posts: Any, size: int) -> QuerySet[Any, Any]:
    rows: QuerySet[Any, Any] = posts.whole().order_by("-pk").values_list(*COLUMNS)
    return rows[:size]


def just_written(post: Post, tags: list[str]) -> Row:
    """Of a draft that is a moment old, so that nobody has commented on it."""
    return {
        **{name: getattr(post, name) for name in FIELDS + TEXTS},
        "cover": post.cover.name or "",
        "username": post.author.username,
        "full_name": post.author.full_name,
        "comment_count": 0,
        "tag_names": "\n".join(tags),
    }


def shown(row: Row) -> dict[str, Any]:
    """As `PostSerializer` shows it, in a tenth of the time."""
    return summary(row) | {name: row[name] for name in TEXTS}


def summary(row: Row) -> dict[str, Any]:
    """As `PostSummarySerializer` shows it."""
    cover = PurePath(row["cover"]).name
    return {
        "id": row["public_id"],
        "slug": row["slug"],
        "url": settings.SITE_URL + reverse("blog:post", args=[row["slug"]]),
        "status": row["status"],
        "title": row["title"],
        "excerpt": row["excerpt"],
        "summary": row["summary"],
        "author": {"username": row["username"], "full_name": row["full_name"]},
        "tags": sorted((row["tag_names"] or "").splitlines()),
        "cover": (
            settings.SITE_URL + reverse("blog:cover", args=[cover]) if cover else None
        ),
        "cover_alt": row["cover_alt"],
        "comments_open": row["comments_open"],
        "comment_count": row["comment_count"],
        "published_at": row["published_at"],
        "revised_at": row["revised_at"],
        "created_at": row["created_at"],
    }


def written(value: Any) -> bytes:
    """JSON as REST framework writes it, to the byte."""
    text = _encode(value)
    # Ends of a line in JavaScript, though not in JSON.
    return text.replace("\u2028", "\\u2028").replace("\u2029", "\\u2029").encode()


def _plain(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat().removesuffix("+00:00") + "Z"
    if isinstance(value, UUID):
        return str(value)
    raise TypeError(f"{type(value).__name__} is not part of a post.")


_encode: Final = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_plain
).encode
