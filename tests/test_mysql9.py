"""How MySQL 9 is placed; `apt-get` and `dpkg-deb` are stand-ins that keep what they hear."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests import mysql9
from tests.database import DatabaseError

APT = """#!/bin/sh
echo "apt-get $*" >> "$HEARD"
case "$*" in
    *indextargets*) cat "$MIRRORS" ;;
    *install*) test -z "$REFUSES" || { echo "E: Unable to locate package"; exit 100; }
        for option; do case "$option" in Dir::Cache=*) cache=${option#*=} ;; esac; done
        touch "$cache/archives/mysql-server-core_9.deb" "$cache/archives/libc6.deb" ;;
esac
"""
UNPACK = """#!/bin/sh
echo "dpkg-deb ${2##*/}" >> "$HEARD"
sleep 0.2
touch "$3/${2##*/}"
"""
MIRROR = "http://packages.example.com/debian/"


@pytest.fixture
def heard(tmp_path, monkeypatch):
    """What the two programs were told, a line each."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, script in (("apt-get", APT), ("dpkg-deb", UNPACK)):
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    (tmp_path / "mirrors").write_text(
        f"http://others.example.com/tools/\n{MIRROR}\n{MIRROR}\n"
    )
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MIRRORS", str(tmp_path / "mirrors"))
    monkeypatch.setenv("HEARD", str(tmp_path / "heard"))
    monkeypatch.setenv("REFUSES", "")
    monkeypatch.setattr(mysql9, "KEYRING", keyring)
    return lambda: (tmp_path / "heard").read_text().splitlines()


def test_the_server_is_fetched_with_all_it_needs_and_unpacked(heard, tmp_path, capsys):
    system = mysql9.fetched(tmp_path / "cache" / "mysql9")

    assert {path.name for path in system.iterdir()} == {
        "mysql-server-core_9.deb",
        "libc6.deb",
    }
    assert [line for line in heard() if line.startswith("dpkg-deb")] == [
        "dpkg-deb libc6.deb",
        "dpkg-deb mysql-server-core_9.deb",
    ]
    assert "Fetching mysql-server-core of Debian unstable" in capsys.readouterr().err


def test_apt_looks_at_the_machines_mirror_and_at_none_of_its_packages(heard, tmp_path):
    mysql9.fetched(tmp_path / "mysql9")

    _, update, install, *_ = heard()
    work = tmp_path / "mysql9.work"
    for line in (update, install):
        assert f"Dir::State::status={work}/status" in line
        assert f"Dir::Etc::sourcelist={work}/sources.list" in line
    assert "--download-only" in install


def test_what_was_fetched_is_fetched_once_even_by_two_at_once(heard, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(mysql9.fetched, [tmp_path / "mysql9"] * 2))

    assert sum("install" in line for line in heard()) == 1


def test_what_apt_refuses_is_told_and_tried_again(heard, tmp_path, monkeypatch):
    monkeypatch.setenv("REFUSES", "yes")
    with pytest.raises(DatabaseError, match="Unable to locate package"):
        mysql9.fetched(tmp_path / "mysql9")
    monkeypatch.setenv("REFUSES", "")

    assert mysql9.fetched(tmp_path / "mysql9").is_dir()


def test_a_machine_without_debians_packages_says_what_to_do(heard, tmp_path):
    (tmp_path / "mirrors").write_text("http://others.example.com/ubuntu/\n")

    with pytest.raises(DatabaseError, match="apt has no mirror of Debian's packages"):
        mysql9.fetched(tmp_path / "mysql9")


def test_another_system_says_what_to_do(heard, tmp_path, monkeypatch):
    monkeypatch.setattr(mysql9, "KEYRING", Path("/nonexistent"))

    with pytest.raises(DatabaseError, match="this is not a Debian"):
        mysql9.fetched(tmp_path / "mysql9")


def test_mysql_is_chosen_where_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(mysql9, "mysql9", lambda: "MySQL 9")
    monkeypatch.setenv("MYSQL", "9")

    assert mysql9.chosen() == "MySQL 9"

    monkeypatch.delenv("MYSQL")

    assert mysql9.chosen().name == "MariaDB"


def test_the_runner_wants_a_command():
    done = subprocess.run(
        [sys.executable, "-m", "tests.mysql9"],
        check=False,
        capture_output=True,
        text=True,
    )

    assert (done.returncode, done.stderr) == (
        2,
        "Usage: python -m tests.mysql9 -- COMMAND…\n",
    )
