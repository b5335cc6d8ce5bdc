"""What an uploaded file is, by its content, and what it is called from then on."""

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from invoices.exceptions import InvalidAttachment

# What the function may be sent at once, less what the form around it takes.
MAX_BYTES: Final = 4 * 1024 * 1024
_LONGEST_STEM: Final = 100
_TEXTS: Final = {"csv": "text/csv", "txt": "text/plain"}
_STARTS: Final = (
    (b"%PDF-", "pdf", "application/pdf"),
    (b"\x89PNG\r\n\x1a\n", "png", "image/png"),
    (b"\xff\xd8\xff", "jpg", "image/jpeg"),
)
_OPEN: Final = "application/vnd.oasis.opendocument."
_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
# By a file that each has within.
_OFFICE_KINDS: Final = {
    "word/document.xml": ("docx", f"{_OFFICE}wordprocessingml.document"),
    "xl/workbook.xml": ("xlsx", f"{_OFFICE}spreadsheetml.sheet"),
}
_OPEN_KINDS: Final = {
    f"{_OPEN}text".encode(): ("odt", f"{_OPEN}text"),
    f"{_OPEN}spreadsheet".encode(): ("ods", f"{_OPEN}spreadsheet"),
}
_NOT_IN_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


class Recognized(NamedTuple):
    name: str
    content_type: str


def recognized(name: str, content: bytes) -> Recognized:
    """
    The type of a file by what is in it, and its name without what could mislead: no
    folders, no signs that nobody sees, and the ending that its content has.

    :raises InvalidAttachment: if it is empty, too large, or of a kind that is not taken
    """
    if not content:
        raise InvalidAttachment("This file is empty; choose another.")
    if len(content) > MAX_BYTES:
        raise InvalidAttachment(
            f"This file has {len(content) / 1024**2:.1f} MB, and one may have 4: make it "
            "smaller, or send a link to it."
        )
    # A path of Windows has its own sign between folders.
    path = PurePosixPath(name.replace("\\", "/"))
    ending, content_type = _kind(path.suffix.lower().removeprefix("."), content)
    return Recognized(f"{_clean(path.stem)}.{ending}", content_type)


def _kind(ending: str, content: bytes) -> tuple[str, str]:
    for start, kind, content_type in _STARTS:
        if content.startswith(start):
            return kind, content_type
    if content.startswith(b"PK\x03\x04") and (kinds := _in_archive(content)):
        return kinds
    if ending in _TEXTS and _is_text(content):
        return ending, _TEXTS[ending]
    raise InvalidAttachment(
        "By its content this is none of what is taken: a PDF, a JPEG or PNG picture, a "
        "document or table of Office or LibreOffice without macros, a text (.txt), or a "
        "table (.csv). Save it as a PDF and choose that."
    )


def _in_archive(content: bytes) -> tuple[str, str] | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            if _has_macros(names):
                return None
            for inner, kind in _OFFICE_KINDS.items():
                if inner in names:
                    return kind
            if names[:1] == ["mimetype"] and not _is_packed(archive, "mimetype"):
                with archive.open("mimetype") as said:
                    return _OPEN_KINDS.get(said.read(100))
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        ValueError,
        EOFError,
    ):
        # Cut off, locked by a password, or made to break who reads it.
        return None
    return None


def _is_packed(archive: zipfile.ZipFile, name: str) -> bool:
    # OpenDocument has its type as it is, for all to read: nothing is unpacked here.
    return archive.getinfo(name).compress_type != zipfile.ZIP_STORED


def _has_macros(names: Iterable[str]) -> bool:
    return any(
        name.endswith("vbaProject.bin") or name.startswith(("Basic/", "Scripts/"))
        for name in names
    )


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return False
    # No page for a browser, whatever it is called.
    return not _NOT_IN_TEXT.search(text) and not text.lstrip(
        "\ufeff \t\r\n"
    ).startswith("<")


def _clean(stem: str) -> str:
    seen = "".join(letter if letter.isprintable() else " " for letter in stem)
    plain = re.sub(r"[^\w .,()+&'-]+", "-", seen)
    return " ".join(plain.split())[:_LONGEST_STEM].strip(" .-") or "file"
