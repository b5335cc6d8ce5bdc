"""What a machine lacks is installed, or named; it is never passed over."""

import pytest

from tests import system_packages
from tests.system_packages import Need, main

ALIEN = Need("alien-server", "tests of nothing", lambda: False)


@pytest.fixture(autouse=True)
def one_need(monkeypatch):
    monkeypatch.setattr(system_packages, "NEEDS", [ALIEN])


def test_main_is_quiet_when_everything_is_there(monkeypatch, capsys):
    monkeypatch.setattr(
        system_packages, "NEEDS", [ALIEN._replace(is_there=lambda: True)]
    )

    assert main() == 0
    assert capsys.readouterr() == ("", "")


def test_main_names_what_this_user_may_not_install(monkeypatch, capsys):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda program, path=None: None)

    assert main() == 1
    assert capsys.readouterr().err == (
        "Still missing, and apt-get could not install them; "
        "install them, then try again:\n"
        "  alien-server         tests of nothing\n"
    )


def test_main_updates_then_installs_only_what_is_missing(monkeypatch, tmp_path):
    calls = tmp_path / "calls"
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$DEBIAN_FRONTEND $*" >> {calls}\n')
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    arrives = ALIEN._replace(is_there=calls.exists)
    there = Need("bash", "is there", lambda: True)
    monkeypatch.setattr(system_packages, "NEEDS", [there, arrives])

    assert main() == 0
    assert calls.read_text().splitlines() == [
        "noninteractive update",
        "noninteractive install --yes --no-install-recommends alien-server",
    ]
