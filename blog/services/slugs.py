"""Addresses made from titles, each used once."""

from typing import Final

from django.db import IntegrityError, transaction
from django.utils.text import slugify

from blog.models import Post, Tag

# Words that mean something else in an address of the blog.
TAKEN: Final = frozenset({"authors", "comments", "covers", "feed", "tags"})
LONGEST: Final = 50


def slug_of(text: str, *, otherwise: str) -> str:
    """:param otherwise: for a text without a letter that fits in an address"""
    return slugify(text)[:LONGEST].strip("-_") or otherwise


def save_with_slug(row: Post | Tag, stem: str) -> None:
    """
    Save the row under the first free of `stem`, `stem-2`, `stem-3`, …, in a transaction.

    The database decides which are free, so that two who ask at once get two.
    """
    row.slug = stem
    number = 1
    while row.slug in TAKEN or not _saved(row):
        number += 1
        row.slug = f"{stem}-{number}"


def _saved(row: Post | Tag) -> bool:
    try:
        row.save()
    except IntegrityError:
        # What fails is undone alone, on MySQL and SQLite alike; a savepoint would cost
        # two round trips each time to undo the same.
        transaction.set_rollback(False)
        if not _is_used(row):
            raise
        return False
    return True


def _is_used(row: Post | Tag) -> bool:
    rows = Post.objects if isinstance(row, Post) else Tag.objects
    return rows.filter(slug=row.slug).exclude(pk=row.pk).exists()
