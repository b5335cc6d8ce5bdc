import io
import struct
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image

from blog import images
from blog.exceptions import InvalidImage


def picture(kind="PNG", size=(40, 20), mode="RGB", color=None, **options):
    stored = io.BytesIO()
    Image.new(mode, size, color or 0).save(stored, kind, **options)
    return stored.getvalue()


def uploaded(content, name="photo.png"):
    return SimpleUploadedFile(name, content)


def opened(stored):
    return Image.open(io.BytesIO(stored.read()))


def png_that_claims(width, height):
    def chunk(name, data):
        checksum = zlib.crc32(name + data)
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", checksum)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 100))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(
    ("kind", "extension"), [("JPEG", ".jpg"), ("PNG", ".png"), ("WEBP", ".webp")]
)
def test_recoded_keeps_the_kind_and_gives_a_new_name(kind, extension):
    stored = images.recoded(uploaded(picture(kind), "../../photo.exe")).file

    assert stored.name.endswith(extension)
    assert "photo" not in stored.name
    assert opened(stored).format == kind


def test_recoded_makes_a_large_picture_smaller():
    stored = images.recoded(uploaded(picture(size=(3200, 800))))

    assert opened(stored.file).size == (stored.width, stored.height) == (1600, 400)


def test_recoded_leaves_a_small_picture_its_size():
    assert opened(images.recoded(uploaded(picture(size=(40, 20)))).file).size == (
        40,
        20,
    )


def test_recoded_forgets_where_a_photo_was_taken_and_turns_it_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    exif.get_ifd(0x8825)[1] = "N"

    stored = images.recoded(
        uploaded(picture("JPEG", exif=exif, comment=b"by Jo"), "photo.jpg")
    )

    kept = opened(stored.file)
    assert kept.size == (20, 40)
    assert dict(kept.getexif()) == {}
    assert "comment" not in kept.info


def test_recoded_keeps_holes_where_the_kind_has_them():
    holes = picture(mode="P", transparency=0)

    assert opened(images.recoded(uploaded(holes)).file).mode == "RGBA"


@pytest.mark.parametrize(("kind", "mode"), [("JPEG", "CMYK"), ("PNG", "1")])
def test_recoded_brings_other_modes_to_color(kind, mode):
    stored = images.recoded(uploaded(picture(kind, mode=mode)))

    assert opened(stored.file).mode == "RGB"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not an image",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 40,
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff\xe0",
        picture(size=(300, 300))[:200],
        picture("JPEG", size=(300, 300))[:400],
        picture("GIF"),
        picture("TIFF"),
        picture("PNG", exif=b"of no camera"),
        picture("WEBP", exif=b"of no camera"),
    ],
)
def test_what_is_no_picture_is_refused(content):
    with pytest.raises(InvalidImage, match="upload a JPEG, PNG or WebP"):
        images.recoded(uploaded(content))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_what_a_camera_wrote_is_not_missed_where_it_ends_early(kind):
    cut_short = b"Exif\0\0II*\0\xff\xff\xff\xff"

    stored = images.recoded(uploaded(picture(kind, exif=cut_short)))

    assert opened(stored.file).size == (40, 20)


def test_a_file_over_four_megabytes_is_refused_unread():
    with pytest.raises(InvalidImage, match="up to 4 MB"):
        images.check(uploaded(b"\0" * (4 * 1024 * 1024 + 1)))


@pytest.mark.parametrize("side", [5_001, 12_000, 60_000])
def test_a_picture_that_would_fill_the_memory_is_refused_unread(side):
    with pytest.raises(InvalidImage, match="25 megapixels"):
        images.check(uploaded(png_that_claims(side, side)))


def test_check_leaves_the_file_at_its_beginning():
    upload = uploaded(picture())

    images.check(upload)

    assert upload.read() == picture()
