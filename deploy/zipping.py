"""Zips a tree, the same always to the same bytes, and says what takes the space."""

import zipfile
from collections import Counter
from pathlib import Path

from deploy.checks import files_of

# The earliest that a zip can say.
MOMENT = (1980, 1, 1, 0, 0, 0)
READABLE = 0o100644 << 16
UNIX = 3


def zip_tree(tree: Path, output: Path) -> None:
    with zipfile.ZipFile(output, "w") as archive:
        for path in files_of(tree):
            entry = zipfile.ZipInfo(path.relative_to(tree).as_posix(), MOMENT)
            entry.create_system, entry.external_attr = UNIX, READABLE
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def largest(zip_file: Path, count: int) -> list[tuple[str, int, int]]:
    """Names at the top of the zip, their bytes in it and unpacked; the sum comes first."""
    packed, unpacked = Counter[str](), Counter[str]()
    with zipfile.ZipFile(zip_file) as archive:
        for entry in archive.infolist():
            for name in ("everything", entry.filename.split("/")[0]):
                packed[name] += entry.compress_size
                unpacked[name] += entry.file_size
    # What the zip says of its files is in none of them.
    packed["everything"] = zip_file.stat().st_size
    most = packed.most_common(count + 1)
    return [(name, size, unpacked[name]) for name, size in most]
