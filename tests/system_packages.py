"""
Installs what the tests need from Debian's or Ubuntu's packages.

    python -m tests.system_packages

installs what is missing, as root or with sudo, and says so when it cannot. It runs before
the virtual environment is filled (a header is needed to fill it): standard library only.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

# Debian keeps servers out of an ordinary user's PATH.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
CHROMIUM = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FONTS = Path("/usr/share/fonts/truetype/liberation")


def has(*programs: str) -> Callable[[], bool]:
    """One of them is in the PATH."""
    return lambda: any(shutil.which(program, path=PATH) for program in programs)


class Need(NamedTuple):
    package: str
    purpose: str
    is_there: Callable[[], bool]


NEEDS = [
    Need("mariadb-server-core", "the MariaDB server", has("mariadbd")),
    Need("mariadb-client", "loads time zones into it", has("mariadb-tzinfo-to-sql")),
    Need("libmariadb-dev", "headers of the MySQL driver", has("mariadb_config")),
    Need("pkg-config", "finds those headers", has("pkg-config")),
    Need("gcc", "builds the MySQL driver", has("gcc")),
    Need("tzdata", "time zones", Path("/usr/share/zoneinfo/UTC").exists),
    Need("curl", "what the documentation tells to type", has("curl")),
    Need("jq", "what it reads the answers with", has("jq")),
    Need("chromium", "stories in a browser", has(*CHROMIUM)),
    Need("fonts-liberation", "letters in that browser", FONTS.is_dir),
]


def missing() -> list[Need]:
    return [need for need in NEEDS if not need.is_there()]


def describe(needs: list[Need]) -> str:
    return "".join(f"  {need.package:<20} {need.purpose}\n" for need in needs)


def privilege() -> list[str] | None:
    """The words before apt-get; None if this user may not install anything."""
    if os.geteuid() == 0:
        return []
    return ["sudo"] if shutil.which("sudo") else None


def install(needs: list[Need]) -> bool:
    """Whether apt-get was there, allowed, and content."""
    before = privilege()
    if before is None or not shutil.which("apt-get"):
        return False
    apt = [*before, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get"]
    steps = [
        [*apt, "update"],
        [*apt, "install", "--yes", "--no-install-recommends"]
        + [need.package for need in needs],
    ]
    return all(subprocess.run(step, check=False).returncode == 0 for step in steps)


def main() -> int:
    needs = missing()
    if not needs:
        return 0
    sys.stdout.write(f"Installing, for the tests:\n{describe(needs)}")
    sys.stdout.flush()
    done = install(needs)
    still = missing()
    if still:
        why = "after apt-get" if done else "and apt-get could not install them"
        sys.stderr.write(
            f"Still missing, {why}; install them, then try again:\n{describe(still)}"
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
