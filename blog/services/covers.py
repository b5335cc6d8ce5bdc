"""Covers of posts: made smaller, and in storage before a row says so."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.files.base import File

from blog import images
from blog.models import Post


@dataclass(frozen=True)
class Cover:
    """A picture that is in storage under this name."""

    name: str
    width: int
    height: int


@contextmanager
def stored(upload: File[Any]) -> Iterator[Cover]:
    """
    A picture, looked at, made smaller and put in storage; and gone again at the end if no
    post has it.

    Call it outside a transaction: storage may be a network. Whoever is killed within may
    leave a picture that no row names, which nobody is ever shown.

    :raises InvalidImage: if it is no JPEG, PNG or WebP, broken, or too large
    """
    picture = images.recoded(upload)
    storage = Post._meta.get_field("cover").storage
    name = storage.save(f"covers/{picture.file.name}", picture.file)
    try:
        yield Cover(name, picture.width, picture.height)
    finally:
        if not Post.objects.filter(cover=name).exists():
            storage.delete(name)


@contextmanager
def stored_of(fields: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The fields of a post, with a new cover as `stored` has it."""
    upload = fields.get("cover")
    if not upload:
        yield fields
        return
    with stored(upload) as cover:
        yield {**fields, "cover": cover}
