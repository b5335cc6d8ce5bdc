import io
import zipfile

import pytest

from invoices.exceptions import InvalidAttachment
from invoices.uploads import MAX_BYTES, recognized

PNG = b"\x89PNG\r\n\x1a\n..."
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
TABLE = "application/vnd.oasis.opendocument.spreadsheet"


def archive(**files):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        for name, text in files.items():
            # Of no day: what a test is called by is the same for each worker.
            packed.writestr(zipfile.ZipInfo(name), text)
    return content.getvalue()


DOCX = archive(**{"[Content_Types].xml": "", "word/document.xml": ""})
ODS = archive(mimetype=TABLE)
# A name that is no UTF-8, though its flag says that it is.
UNNAMED = archive(**{"ä.xml": ""}).replace("ä".encode(), b"\xff\xfe")


def broken_within():
    """Named and packed as it should be, and nothing comes of unpacking it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(zipfile.ZipInfo("mimetype"), TABLE, zipfile.ZIP_DEFLATED)
    first = content.getvalue().index(b"mimetype") + len("mimetype")
    content.seek(first)
    content.write(b"\xff")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "kept", "content_type"),
    [
        ("plan.pdf", b"%PDF-1.7 ...", "plan.pdf", "application/pdf"),
        ("photo.jpeg", b"\xff\xd8\xff\xe0", "photo.jpg", "image/jpeg"),
        ("photo.exe", PNG, "photo.png", "image/png"),
        ("hours.docx", DOCX, "hours.docx", WORD),
        ("hours.ods", ODS, "hours.ods", TABLE),
        ("hours.csv", "day;Stunden\n1;ä".encode(), "hours.csv", "text/csv"),
        ("READ ME.TXT", b"all of it", "READ ME.txt", "text/plain"),
        (
            "../../etc\\pass\u202ewd<b>.pdf",
            b"%PDF-",
            "pass wd-b.pdf",
            "application/pdf",
        ),
        ("...", b"%PDF-", "file.pdf", "application/pdf"),
        ("Ärzte & Söhne (3).pdf", b"%PDF-", "Ärzte & Söhne (3).pdf", "application/pdf"),
        (f"{'x' * 300}.pdf", b"%PDF-", f"{'x' * 100}.pdf", "application/pdf"),
    ],
)
def test_a_file_is_what_is_in_it_and_called_so(name, content, kept, content_type):
    assert recognized(name, content) == (kept, content_type)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("empty.pdf", b"", "empty"),
        ("large.pdf", b"%PDF-" + bytes(MAX_BYTES), r"has 4\.0 MB, and one may have 4"),
        ("page.html", b"<!doctype html>", "none of what is taken"),
        ("page.txt", b"\xef\xbb\xbf \n<script>", "none of what is taken"),
        ("picture.svg", b"<svg/>", "none of what is taken"),
        ("notes.txt", b"\x00\x01", "none of what is taken"),
        ("notes.txt", "ä".encode("latin-1"), "none of what is taken"),
        ("notes.md", b"plain", "Save it as a PDF"),
        ("all.zip", archive(anything="x"), "none of what is taken"),
        ("cut.docx", DOCX[:40], "none of what is taken"),
        ("unnamed.docx", UNNAMED, "none of what is taken"),
        ("broken.ods", broken_within(), "none of what is taken"),
        (
            "macros.docx",
            archive(**{"word/document.xml": "", "word/vbaProject.bin": ""}),
            "without macros",
        ),
        ("scripts.ods", archive(mimetype=TABLE, **{"Basic/x": ""}), "without macros"),
        ("program.pdf", b"MZ\x90", "none of what is taken"),
    ],
)
def test_what_is_not_taken_is_refused_with_what_is(name, content, said):
    with pytest.raises(InvalidAttachment, match=said):
        recognized(name, content)
