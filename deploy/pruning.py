"""Takes out of an unpacked package what no request, schedule or command ever reads."""

import json
import pickle
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from elftools.elf.elffile import ELFFile

from accounts.languages import LANGUAGES
from deploy import checks
from deploy.checks import files_of

# What the site is written in: settings.LANGUAGE_CODE.
LANGUAGE = "en"
# What CLDR says of a language that documents need: how amounts, dates and countries are
# written. The names of languages, units, zones and currencies are nine tenths of it.
SPOKEN = {
    "currency_formats",
    "currency_symbols",
    "date_formats",
    "days",
    "decimal_formats",
    "default_numbering_system",
    "eras",
    "locale_id",
    "months",
    "number_symbols",
    "numbering_systems",
    "plural_form",
    "territories",
}
# Looked into even where a pattern has no name of the currency.
ASKED_FOR = ("currency_names", "currency_names_plural")
# Of these folders nothing else is read.
ALONE = {
    "allauth/socialaccount/providers": {"__init__.py", "base"},
    "babel/locale-data": {"root.dat", *(f"{code}.dat" for code, _ in LANGUAGES)},
    "django/conf/locale": {"__init__.py", LANGUAGE},
}
UNREAD = (
    # The page that documents the API is Swagger's.
    "build/static/drf_spectacular_sidecar/redoc",
    # Of the API's pages for browsers, which no renderer makes.
    "build/static/rest_framework",
    # The back office takes what is beside it with .min in its name.
    "build/static/admin/js/vendor/*/*[!n].????????????.js",
    # Of libraries. `collectstatic` has copied the static files.
    "*/**/tests",
    "*/**/static",
    # Not installed: interfaces for single-page apps, lists of sessions, sites in flat
    # pages, documentation of code, a second kind of tokens.
    "allauth/headless",
    "allauth/usersessions",
    "django/contrib/flatpages",
    "django/contrib/redirects",
    "rest_framework/authtoken",
    "unfold/contrib/[!_f]*",
    # To test with, and to write code or its translations with.
    "django/conf/*_template",
    "django/contrib/*/test*.py",
    "django/core/management/commands/compilemessages.py",
    "django/core/management/commands/makemessages.py",
    "django/core/management/commands/start*.py",
    "django/core/management/commands/test*.py",
    "django/test/runner.py",
    "django/test/selenium.py",
    # To be a provider of identities; to collect texts for translators.
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
    # Of ways to log in, those that MariaDB alone has, or a person at a terminal.
    "MySQLdb/plugins/client_ed25519.so",
    "MySQLdb/plugins/dialog.so",
    # The API's description is validated in tests.
    "attr",
    "attrs",
    "jsonschema",
    "jsonschema_specifications",
    "referencing",
    "rpds",
    # What speaks to the key; here speaks the one who asks for it, through a browser.
    "fido2/attestation",
    "fido2/client",
    "fido2/ctap*",
    "fido2/hid",
    "fido2/mds3.py",
    "fido2/payment.py",
    "fido2/pcsc.py",
    # Pictures are JPEG, PNG or WebP, of one color space, and nothing is written on them.
    "PIL/_avif*",
    "PIL/_imagingcms*",
    "PIL/_imagingft*",
    "PIL/_imagingmath*",
    "PIL/_imagingmorph*",
    "PIL/_imagingtk*",
    "PIL/ImageGrab.py",
    "PIL/ImageQt.py",
    "PIL/ImageTk.py",
    "PIL/ImageWin.py",
    # Invoices have fonts of their own, no charts, no fields to fill in.
    "reportlab/fonts",
    "reportlab/graphics",
    "reportlab/lib/codecharts.py",
    "reportlab/lib/corp.py",
    "reportlab/lib/fontfinder.py",
    "reportlab/lib/randomtext.py",
    "reportlab/lib/rparsexml.py",
    "reportlab/lib/testutils.py",
    "reportlab/pdfbase/pdfform.py",
    "reportlab/platypus/figures.py",
    "reportlab/platypus/para.py",
    "reportlab/platypus/tableofcontents.py",
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
    # Python in a browser, and OpenSSL by another way than Python's own.
    "urllib3/contrib/emscripten",
    "urllib3/contrib/pyopenssl.py",
    # The same in C; these are written without as well.
    "charset_normalizer/*.so",
    "yaml/_yaml*",
)
FOR_DEVELOPERS = {
    ".c",
    ".h",
    ".map",
    ".po",
    ".pth",
    ".pxd",
    ".pyi",
    ".pyx",
    ".typed",
}


def prune(tree: Path) -> None:
    static = tree / "build" / "static"
    for pattern in UNREAD:
        _remove(path for path in tree.glob(pattern) if path != static)
    _remove(path for path in files_of(tree) if path.suffix in FOR_DEVELOPERS)
    _remove(_alone(tree))
    cut_locales(tree)
    _cut_metadata(tree)
    _remove(unused_libraries(tree))
    prune_static(static)


def cut_locales(tree: Path) -> None:
    """Of each language leave what is spoken."""
    for path in tree.glob("babel/locale-data/*.dat"):
        # Babel's own files, installed by their hashes.
        data = pickle.loads(path.read_bytes())  # noqa: S301 - as said above
        spoken = {key: value for key, value in data.items() if key in SPOKEN}
        spoken |= {key: {} for key in ASKED_FOR}
        path.write_bytes(pickle.dumps(spoken, protocol=2))


def _cut_metadata(tree: Path) -> None:
    """Of distributions leave what importlib and scanners for weaknesses read."""
    for path in tree.glob("*.dist-info/*"):
        if path.name == "METADATA":
            headers, _, _ = path.read_text().partition("\n\n")
            path.write_text(f"{headers}\n")
        else:
            _remove([path])


def unused_libraries(tree: Path) -> list[Path]:
    """What auditwheel put beside libraries that are not here any more."""
    libraries = [path for path in files_of(tree) if checks.is_elf(path)]
    brought = {path.name: path for path in libraries if path.parent.suffix == ".libs"}
    waiting = [path for path in libraries if path.name not in brought]
    while waiting:
        with waiting.pop().open("rb") as file:
            needed = checks.needed(ELFFile(file))
            waiting += [brought.pop(name) for name in needed if name in brought]
    return list(brought.values())


def _alone(tree: Path) -> Iterator[Path]:
    """What is beside that which is read alone."""
    for name, kept in ALONE.items():
        yield from (path for path in (tree / name).iterdir() if path.name not in kept)
    for folder in tree.glob("*/**/locale"):
        if folder != tree / "django" / "conf" / "locale":
            yield from (path for path in folder.iterdir() if path.name != LANGUAGE)


def prune_static(static: Path) -> None:
    """Leave what pages link to: API Gateway compresses it, as it does pages."""
    manifest = static / "staticfiles.json"
    content = json.loads(manifest.read_text())
    paths = {
        name: hashed
        for name, hashed in content["paths"].items()
        if (static / hashed).exists()
    }
    manifest.write_text(json.dumps(content | {"paths": paths}, sort_keys=True))
    linked = {static / hashed for hashed in paths.values()} | {manifest}
    _remove(path for path in files_of(static) if path not in linked)


def _remove(paths: Iterable[Path]) -> None:
    for path in list(paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
