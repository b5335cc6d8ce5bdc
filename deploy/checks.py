"""What keeps a package from Lambda. Each check raises `Unfit` with one sentence."""

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from elftools.elf.dynamic import DynamicSection
from elftools.elf.elffile import ELFFile
from elftools.elf.gnuversions import GNUVerNeedSection

from deploy import machine

PYTHON = (3, 13)
# Of Amazon Linux 2023, on which Lambda runs Python 3.13.
GLIBC = (2, 34)
# What that system has; all else a library of the package needs must be in the package.
ON_LAMBDA = {
    "ld-linux-x86-64.so.2",
    "libc.so.6",
    "libdl.so.2",
    "libgcc_s.so.1",
    "libm.so.6",
    "libpthread.so.0",
    "libresolv.so.2",
    "librt.so.1",
    "libstdc++.so.6",
    "libutil.so.1",
    "libz.so.1",
}
MB = 1_000_000
LARGEST_ZIP = 25 * MB
LARGEST_TREE = 90 * MB
SECRET_NAMES = re.compile(r"\.env(\..*)?|id_(rsa|dsa|ecdsa|ed25519)|.*\.(p12|pfx|key)")
# Keys as Stripe, AWS and OpenSSL write them, long enough not to be an example.
SECRETS = re.compile(
    rb"\b[rs]k_(live|test)_[0-9A-Za-z]{20}|\bwhsec_[0-9A-Za-z]{28}"
    rb"|\bAKIA[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[0-9A-Za-z+/=]{60}"
)
# Looked for first: in eighty megabytes that is ten times as fast.
SIGNS_OF_SECRETS = (b"k_live_", b"k_test_", b"whsec_", b"AKIA", b"PRIVATE KEY-----")
# Magic number, flags, hash of the source: https://peps.python.org/pep-0552/
PYC_HEADER = 16
UNCHECKED_HASH = 0b01


class Unfit(Exception):
    """The package cannot go to Lambda, or not be built here; the message says why."""


def check_machine() -> None:
    """:raises Unfit: if what this machine builds would not run on Lambda"""
    if sys.version_info[:2] != PYTHON:
        here = ".".join(map(str, sys.version_info[:2]))
        raise Unfit(f"Build with Python 3.13, which the stages run; this is {here}.")
    if why_not := machine.refusal():
        raise Unfit(why_not)


def check_tree(tree: Path) -> None:
    """:raises Unfit: if a secret, a library or byte code in the tree is not to ship"""
    check_secrets(tree)
    check_libraries(tree)
    check_byte_code(tree)
    size = sum(path.stat().st_size for path in files_of(tree))
    if size > LARGEST_TREE:
        raise Unfit(f"Unpacked it takes {size / MB:.1f} MB; 90 are allowed.")


def check_zip(path: Path) -> None:
    size = path.stat().st_size
    if size > LARGEST_ZIP:
        raise Unfit(f"The zip takes {size / MB:.1f} MB; 25 are allowed.")


def check_secrets(tree: Path) -> None:
    for path in files_of(tree):
        name = path.relative_to(tree)
        if SECRET_NAMES.fullmatch(path.name):
            raise Unfit(f"{name} looks like a secret by its name.")
        if path.suffix != ".pyc" and _has_secret(path.read_bytes()):
            raise Unfit(f"{name} contains what looks like a secret key.")


def _has_secret(content: bytes) -> bool:
    signs = any(sign in content for sign in SIGNS_OF_SECRETS)
    return signs and SECRETS.search(content) is not None


def check_libraries(tree: Path) -> None:
    libraries = [path for path in files_of(tree) if is_elf(path)]
    here = {path.name for path in libraries} | ON_LAMBDA
    for path in libraries:
        name = path.relative_to(tree)
        with path.open("rb") as file:
            elf = ELFFile(file)
            if elf.get_machine_arch() != "x64":
                raise Unfit(f"{name} is built for {elf.get_machine_arch()}.")
            if lacking := set(needed(elf)) - here:
                raise Unfit(f"{name} needs {min(lacking)}, which Lambda lacks.")
            newest = max(_glibc(elf), default=GLIBC)
        if newest > GLIBC:
            version = ".".join(map(str, newest))
            raise Unfit(f"{name} needs glibc {version}; Lambda has 2.34.")


def check_byte_code(tree: Path) -> None:
    for path in tree.rglob("*.pyc"):
        source = Path(importlib.util.source_from_cache(path))
        fresh = source.exists() and path.read_bytes()[:PYC_HEADER] == (
            importlib.util.MAGIC_NUMBER
            + UNCHECKED_HASH.to_bytes(4, "little")
            + importlib.util.source_hash(source.read_bytes())
        )
        if not fresh:
            raise Unfit(f"{path.relative_to(tree)} is stale: not made from its source.")


def files_of(tree: Path) -> Iterator[Path]:
    return (path for path in sorted(tree.rglob("*")) if path.is_file())


def is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(elf: ELFFile) -> Iterator[str]:
    for section in elf.iter_sections():
        if isinstance(section, DynamicSection):
            for tag in section.iter_tags("DT_NEEDED"):
                # Given by the kind of tag, which its type does not tell.
                yield tag.needed  # type: ignore[attr-defined] # as said above


def _glibc(elf: ELFFile) -> Iterator[tuple[int, ...]]:
    for section in elf.iter_sections():
        if isinstance(section, GNUVerNeedSection):
            for _, versions in section.iter_versions():
                for version in versions:
                    name = version.name.removeprefix("GLIBC_")
                    if re.fullmatch(r"[\d.]+", name):
                        yield tuple(map(int, name.split(".")))
