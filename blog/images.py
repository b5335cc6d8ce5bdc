"""
Uploaded pictures: checked, made smaller, and freed of what a camera wrote into them.

Pillow loads when somebody uploads, not when somebody reads.
"""

from __future__ import annotations

import io
import struct
import uuid
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from django.core.files.base import ContentFile

from blog.exceptions import InvalidImage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.files.base import File
    from PIL.Image import Image

MAX_BYTES: Final = 4 * 1024 * 1024
# Decoded, a picture takes three or four bytes a pixel.
MAX_PIXELS: Final = 25_000_000
# The longer side of what is kept: a wide column on a dense screen.
MAX_SIDE: Final = 1600
EXTENSIONS: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}
# The modes that all three formats can hold as they are.
PLAIN_MODES: Final = {"L", "RGB", "RGBA"}
# What Pillow raises on bytes that are no picture, or no note of a camera's.
BROKEN: Final = (
    ArithmeticError,
    EOFError,
    LookupError,
    OSError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
)


def check(upload: File[Any]) -> None:
    """:raises InvalidImage: if it is no JPEG, PNG or WebP, broken, or too large"""
    with _opened(upload):
        pass
    upload.seek(0)


@dataclass(frozen=True)
class Picture:
    file: ContentFile[bytes]
    width: int
    height: int


def recoded(upload: File[Any]) -> Picture:
    """
    The same picture, upright, at most `MAX_SIDE` on a side, without camera data.

    Its name is new and cannot be guessed.

    :raises InvalidImage: if it is no JPEG, PNG or WebP, broken, or too large
    """
    with _opened(upload) as image:
        kind = str(image.format)
        picture = _plain(image, kind)
    picture.thumbnail((MAX_SIDE, MAX_SIDE))
    picture.info = {k: v for k, v in picture.info.items() if k == "icc_profile"}
    stored = io.BytesIO()
    picture.save(stored, format=kind, quality=85, optimize=True)
    name = f"{uuid.uuid4()}.{EXTENSIONS[kind]}"
    return Picture(ContentFile(stored.getvalue(), name), *picture.size)


@contextmanager
def _opened(upload: File[Any]) -> Iterator[Image]:
    """The picture, decoded and upright."""
    from PIL import Image, ImageOps

    if upload.size > MAX_BYTES:
        raise InvalidImage("This file is too large; a picture may have up to 4 MB.")
    upload.seek(0)
    try:
        with warnings.catch_warnings():
            # Pillow only warns where we refuse: below, by the pixels the header states.
            # And of what a camera wrote badly, nothing is kept.
            warnings.simplefilter("ignore")
            image = Image.open(upload, formats=tuple(EXTENSIONS))
            _check_pixels(image)
            image.load()
            ImageOps.exif_transpose(image, in_place=True)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels() from error
    except BROKEN as error:
        raise InvalidImage(
            "This file is no picture that can be read; upload a JPEG, PNG or WebP."
        ) from error
    yield image


def _check_pixels(image: Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise _too_many_pixels()


def _too_many_pixels() -> InvalidImage:
    return InvalidImage(
        "This picture has too many pixels; make it smaller than 25 megapixels."
    )


def _plain(image: Image, kind: str) -> Image:
    if image.mode in PLAIN_MODES:
        return image
    has_holes = kind != "JPEG" and image.has_transparency_data
    return image.convert("RGBA" if has_holes else "RGB")
