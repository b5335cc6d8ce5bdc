"""Takes out of an unpacked package what no request, schedule or command ever reads."""

import json
import pickle
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from elftools.elf.elffile import ELFFile

from accounts.languages import AMOUNTS_AT_HOME, LANGUAGES
from accounts.tax_ids import COUNTRIES
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
# What CLDR says of all languages that is looked into here: other names of a language and
# its country, and what it falls back on. The rest is about zones, coins, and the languages
# and scripts of every place on earth, which are half of it.
SHARED = {
    "language_aliases",
    "parent_exceptions",
    "script_aliases",
    "territory_aliases",
    "variant_aliases",
}
_PICTURES = """
    __init__ _binary _deprecate _imaging _typing _util _version _webp ExifTags
    GimpGradientFile GimpPaletteFile Image ImageChops ImageColor ImageFile ImageFilter
    ImageMode ImageOps ImagePalette ImageSequence JpegImagePlugin JpegPresets
    MpoImagePlugin PaletteFile PngImagePlugin TiffImagePlugin TiffTags WebPImagePlugin
"""
_IN_C = sysconfig.get_config_var("EXT_SUFFIX")
# Loads the modules it is given; prints which files of stdnum that were.
_LOADED = """
import importlib, pathlib, stdnum, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
place = pathlib.Path(stdnum.__file__).parent.parent
for name, module in sorted(sys.modules.items()):
    if name.partition(".")[0] == "stdnum":
        print(pathlib.Path(module.__file__).relative_to(place).as_posix())
"""
# Of these folders nothing else is read.
ALONE = {
    # JPEG, PNG and WebP of one color space, and what cameras say of how they were held;
    # nothing is written on pictures. Upload forms refuse the rest by name.
    "PIL": {f"{name}{end}" for name in _PICTURES.split() for end in (".py", _IN_C)},
    "allauth/socialaccount/providers": {"__init__.py", "base"},
    "babel/locale-data": {
        f"{code}.dat" for code in ("root", *dict(LANGUAGES), *AMOUNTS_AT_HOME.values())
    },
    "django/conf/locale": {"__init__.py", LANGUAGE},
    # Of the storages, the one of S3.
    "storages/backends": {"__init__.py", "s3.py"},
}
UNREAD = (
    # The page that documents the API is Swagger's.
    "build/static/drf_spectacular_sidecar/redoc",
    # Of the API's pages for browsers, which no renderer makes.
    "build/static/rest_framework",
    # No page shows it: static/unfold/fonts/inter/styles.css.
    "build/static/unfold/fonts/inter/Inter-Bold.*",
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
    # Lists, units, names of languages, translations of texts; Windows.
    "babel/languages.py",
    "babel/lists.py",
    "babel/localtime/_win32.py",
    "babel/support.py",
    "babel/units.py",
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
    # Codes are drawn as SVG, or by the document they are in.
    "qrcode/console_scripts.py",
    "qrcode/image/pil.py",
    "qrcode/image/styledpil.py",
    "qrcode/image/styles/colormasks.py",
    "qrcode/image/styles/moduledrawers/pil.py",
    # Pages of the API to click through, which no renderer makes.
    "rest_framework/templates",
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
    # Invoices have fonts of their own, no charts, no fields to fill in.
    "reportlab/fonts",
    "reportlab/graphics",
    "reportlab/lib/codecharts.py",
    "reportlab/lib/corp.py",
    "reportlab/lib/fontfinder.py",
    "reportlab/lib/formatters.py",
    "reportlab/lib/randomtext.py",
    "reportlab/lib/rparsexml.py",
    "reportlab/lib/testutils.py",
    "reportlab/lib/yaml.py",
    "reportlab/pdfbase/pdfform.py",
    "reportlab/pdfbase/pdfpattern.py",
    "reportlab/platypus/figures.py",
    "reportlab/platypus/para.py",
    "reportlab/platypus/tableofcontents.py",
    # Types of arguments, and events that Stripe's new kind of webhook sends.
    "stripe/events",
    "stripe/params",
    # What one can buy of Stripe besides payments.
    "stripe/apps",
    "stripe/billing_portal",
    "stripe/climate",
    "stripe/entitlements",
    "stripe/financial_connections",
    "stripe/forwarding",
    "stripe/identity",
    "stripe/issuing",
    "stripe/reporting",
    "stripe/sigma",
    "stripe/tax",
    "stripe/terminal",
    "stripe/test_helpers",
    "stripe/treasury",
    "stripe/v2/billing",
    "stripe/v2/commerce",
    "stripe/v2/money_management",
    "stripe/v2/test_helpers",
    # Lists of places for people; zones are looked up by their names.
    "tzdata/zoneinfo/*.tab",
    "tzdata/zoneinfo/leapseconds",
    "tzdata/zoneinfo/tzdata.zi",
    # Python in a browser, OpenSSL by another way than Python's own, and proxies.
    "urllib3/contrib/emscripten",
    "urllib3/contrib/pyopenssl.py",
    "urllib3/contrib/socks.py",
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
    _remove(_other_numbers(tree))
    cut_locales(tree)
    _cut_metadata(tree)
    _remove(unused_libraries(tree))
    prune_static(static)


def _other_numbers(tree: Path) -> Iterator[Path]:
    """Of stdnum, what checking tax ids we know, IBANs and BICs does not load."""
    names = [each for known in COUNTRIES.values() for each in known.modules.split()]
    # The last reads the files named below, when it is asked for a number.
    names += ["iban", "bic", "numdb"]
    told = subprocess.run(
        [sys.executable, "-c", _LOADED, *(f"stdnum.{name}" for name in names)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    read = ("stdnum/us/ein.dat", "stdnum/iban.dat")
    loaded = {tree / name for name in (*told.stdout.split(), *read)}
    return (path for path in files_of(tree / "stdnum") if path not in loaded)


def cut_locales(tree: Path) -> None:
    """Of each language leave what is spoken, and of what they share what is asked for."""
    for path in tree.glob("babel/locale-data/*.dat"):
        data = _read(path)
        spoken = {key: value for key, value in data.items() if key in SPOKEN}
        _write(path, spoken | {key: {} for key in ASKED_FOR})
    shared = tree / "babel" / "global.dat"
    _write(
        shared, {key: value for key, value in _read(shared).items() if key in SHARED}
    )


def _read(path: Path) -> dict[str, Any]:
    # Babel's own files, installed by their hashes.
    data: dict[str, Any] = pickle.loads(path.read_bytes())  # noqa: S301 - as said above
    return data


def _write(path: Path, data: Mapping[str, Any]) -> None:
    path.write_bytes(pickle.dumps(data, protocol=2))


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
