"""Takes out of an unpacked package what no request, schedule or command ever reads."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from deploy.checks import files_of

# What the site is written in: settings.LANGUAGE_CODE, and what `invoices.money` speaks.
LANGUAGE = "en"
# Of these folders nothing else is read.
ALONE = {
    "allauth/socialaccount/providers": {"__init__.py", "base"},
    "babel/locale-data": {"root.dat", f"{LANGUAGE}.dat"},
    "django/conf/locale": {"__init__.py", LANGUAGE},
}
UNREAD = (
    # The page that documents the API is Swagger's.
    "build/static/drf_spectacular_sidecar/redoc",
    # Of the API's pages for browsers, which no renderer makes.
    "build/static/rest_framework",
    # Of libraries. `collectstatic` has copied the static files.
    "*/**/tests",
    "*/**/static",
    # To be a provider of identities; to collect texts for translators; to debug.
    "allauth/idp",
    "babel/messages",
    # C is parsed and compiled by none here; `_cffi_backend` stays.
    "cffi",
    "pycparser",
    # The database is MySQL, and knows no maps.
    "django/contrib/gis",
    "django/contrib/postgres",
    "django/db/backends/oracle",
    "django/db/backends/postgresql",
    # The API's description is validated in tests.
    "attr",
    "attrs",
    "jsonschema",
    "jsonschema_specifications",
    "referencing",
    "rpds",
    # Pictures are JPEG, PNG or WebP, and nothing is written on them.
    "PIL/_avif*",
    "PIL/_imagingft*",
    "pillow.libs/libavif-*",
    "pillow.libs/libfreetype-*",
    "pillow.libs/libharfbuzz-*",
    # Invoices have fonts of their own, and no charts.
    "reportlab/fonts",
    "reportlab/graphics",
    # Types of arguments, and events that Stripe's new kind of webhook sends.
    "stripe/events",
    "stripe/params",
    # What one can buy of Stripe besides payments.
    "stripe/climate",
    "stripe/issuing",
    "stripe/tax",
    "stripe/terminal",
    "stripe/treasury",
    "stripe/v2/money_management",
    # The same in C; the API's description is written without.
    "yaml/_yaml*",
)
FOR_DEVELOPERS = {".c", ".h", ".map", ".pth", ".pxd", ".pyi", ".pyx"}


def prune(tree: Path) -> None:
    static = tree / "build" / "static"
    for pattern in UNREAD:
        _remove(path for path in tree.glob(pattern) if path != static)
    _remove(path for path in files_of(tree) if path.suffix in FOR_DEVELOPERS)
    _remove(_alone(tree))
    _remove(_metadata(tree))
    prune_static(static)


def _metadata(tree: Path) -> Iterator[Path]:
    """Of distributions all but METADATA: importlib and scanners for weaknesses read it."""
    for path in tree.glob("*.dist-info/*"):
        if path.name != "METADATA":
            yield path


def _alone(tree: Path) -> Iterator[Path]:
    """What is beside that which is read alone."""
    for name, kept in ALONE.items():
        yield from (path for path in (tree / name).iterdir() if path.name not in kept)
    for folder in tree.glob("*/**/locale"):
        if folder != tree / "django" / "conf" / "locale":
            yield from (path for path in folder.iterdir() if path.name != LANGUAGE)


def prune_static(static: Path) -> None:
    """Leave what pages link to: the manifest's hashed files, and their .gz."""
    manifest = static / "staticfiles.json"
    content = json.loads(manifest.read_text())
    paths = {
        name: hashed
        for name, hashed in content["paths"].items()
        if (static / hashed).exists()
    }
    manifest.write_text(json.dumps(content | {"paths": paths}, sort_keys=True))
    linked = {static / hashed for hashed in paths.values()} | {manifest}
    _remove(
        path
        for path in files_of(static)
        if path not in linked and path.with_suffix("") not in linked
    )


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
