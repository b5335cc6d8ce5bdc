"""A migrated SQLite database to begin with: migrating takes seconds, copying none."""

import hashlib
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Final

from django.conf import settings

KEPT: Final = Path(settings.BASE_DIR) / "build" / "migrated"
# What is not a migration of ours, and decides what there is to migrate.
ALSO: Final = ("config/settings.py", "requirements/dev.txt")


def copy_to(database: Path) -> None:
    """Nothing, where no run has kept what these migrations come to."""
    if (kept := _kept()).exists():
        shutil.copy(kept, database)


def keep(database: Path) -> None:
    """For later runs; several may do it at once."""
    if (kept := _kept()).exists():
        return
    KEPT.mkdir(parents=True, exist_ok=True)
    with NamedTemporaryFile(dir=KEPT, delete=False) as part:
        with closing(sqlite3.connect(database)) as connection:
            connection.execute("VACUUM INTO ?", [part.name])
        Path(part.name).replace(kept)
    for older in set(KEPT.glob("*.sqlite3")) - {kept}:
        older.unlink(missing_ok=True)


def _kept() -> Path:
    root = KEPT.parent.parent
    files = [*root.glob("*/migrations/*.py"), *(root / name for name in ALSO)]
    digest = hashlib.sha256()
    for file in sorted(files):
        digest.update(f"{file.relative_to(root)} {file.stat().st_size} ".encode())
        digest.update(file.read_bytes())
    return KEPT / f"{digest.hexdigest()}.sqlite3"
