"""What the builder refuses, each in one sentence."""

import compileall
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from py_compile import PycInvalidationMode

import babel
import pytest
from elftools.elf.elffile import ELFFile

from deploy import checks, compiling, native, package, pruning
from deploy.checks import Unfit


def write(tree, name, content="x = 1\n"):
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
    return path


@pytest.mark.parametrize("name", [".env", "config/.env.prod", "deploy/id_ed25519"])
def test_a_secret_is_refused_by_its_name(tmp_path, name):
    write(tmp_path, name, "")

    with pytest.raises(Unfit, match="by its name"):
        checks.check_secrets(tmp_path)


@pytest.mark.parametrize(
    "secret",
    [
        "sk_live_" + "a1" * 12,
        "whsec_" + "a1" * 16,
        "AKIA" + "A1" * 8,
        "-----BEGIN PRIVATE KEY-----\n" + "MIIE" * 16,
    ],
)
def test_a_secret_is_refused_by_its_shape(tmp_path, secret):
    write(tmp_path, "config/settings.py", f'KEY = """{secret}"""\n')

    with pytest.raises(Unfit, match=r"config/settings\.py contains"):
        checks.check_secrets(tmp_path)


def test_names_and_examples_of_keys_are_no_secrets(tmp_path):
    write(tmp_path, "config/settings.py", 'KEYS = ["sk_test_build", "whsec_..."]\n')

    checks.check_secrets(tmp_path)


def test_byte_code_older_than_its_source_is_refused(tmp_path):
    source = write(tmp_path, "module.py")
    compiling.compile_tree(tmp_path)
    checks.check_byte_code(tmp_path)

    source.write_text("x = 2\n")

    with pytest.raises(Unfit, match="is stale"):
        checks.check_byte_code(tmp_path)


def test_byte_code_that_is_checked_by_time_is_refused(tmp_path):
    source = write(tmp_path, "module.py")

    compileall.compile_file(
        source, quiet=2, invalidation_mode=PycInvalidationMode.TIMESTAMP
    )

    with pytest.raises(Unfit, match="is stale"):
        checks.check_byte_code(tmp_path)


def test_a_library_that_lambda_lacks_is_refused(tmp_path):
    driver = native.client_plugins() / "caching_sha2_password.so"
    shutil.copy(driver, tmp_path)

    with pytest.raises(Unfit, match=r"needs libcrypto\.so\.3, which Lambda lacks"):
        checks.check_libraries(tmp_path)


def test_a_newer_glibc_is_refused(tmp_path, monkeypatch):
    shutil.copy(native.client_plugins() / "mysql_clear_password.so", tmp_path)
    checks.check_libraries(tmp_path)

    monkeypatch.setattr(checks, "GLIBC", (2, 2))

    with pytest.raises(Unfit, match="needs glibc 2"):
        checks.check_libraries(tmp_path)


def test_what_is_too_large_is_refused(tmp_path, monkeypatch):
    path = write(tmp_path, "page.html", "long" * 100)
    monkeypatch.setattr(checks, "LARGEST_TREE", 399)
    monkeypatch.setattr(checks, "LARGEST_ZIP", 399)

    with pytest.raises(Unfit, match="Unpacked"):
        checks.check_tree(tmp_path)
    with pytest.raises(Unfit, match="The zip takes"):
        checks.check_zip(path)


def test_another_python_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0))

    with pytest.raises(Unfit, match=r"this is 3\.14"):
        package.build(Path("never.zip"))


def test_another_platform_is_told_of_a_container(monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "arm64")

    with pytest.raises(Unfit, match="docker run --rm --platform linux/amd64"):
        package.build(Path("never.zip"))


def test_what_no_commit_has_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "ROOT", checkout(tmp_path))
    write(tmp_path, "config/new.py")
    write(tmp_path, "config/settings.py", "x = 2\n")
    write(tmp_path, "tests/new.py")

    assert package.uncommitted() == ["config/settings.py", "config/new.py"]


def test_a_folder_that_git_does_not_know_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(package, "ROOT", tmp_path)

    with pytest.raises(Unfit, match=r"git cannot tell .* not a git repository"):
        package.uncommitted()


def test_a_module_that_cannot_be_compiled_is_refused(tmp_path):
    write(tmp_path, "config/broken.py", "def\n")

    with pytest.raises(Unfit, match=r"(?s)cannot be compiled.*config/broken\.py"):
        compiling.compile_tree(tmp_path)


def test_what_is_rarely_loaded_has_no_byte_code(tmp_path):
    for name in ("stripe/_charge.py", "stripe/_account.py", "md.py", "config/urls.py"):
        write(tmp_path, name)
    write(tmp_path, "md.cpython-313-x86_64-linux-gnu.so")

    compiling.compile_tree(tmp_path)

    compiled = {path.name.partition(".")[0] for path in tmp_path.rglob("*.pyc")}
    assert compiled == {"_charge", "urls"}


def test_libraries_that_no_other_needs_any_more_go(tmp_path):
    brought = tmp_path / "MySQLdb.libs"
    brought.mkdir()
    driver = native.client_plugins() / "caching_sha2_password.so"
    (crypto,) = (name for name in needed(driver) if name.startswith("libcrypto"))
    shutil.copy(driver, tmp_path)
    for name in (crypto, "libunused.so.1"):
        shutil.copy(driver, brought / name)

    assert pruning.unused_libraries(tmp_path) == [brought / "libunused.so.1"]


def needed(library):
    with library.open("rb") as file:
        return list(checks.needed(ELFFile(file)))


def checkout(folder):
    for name in ("config/settings.py", "tests/test_settings.py"):
        write(folder, name)
    git = [shutil.which("git"), "-c", "user.name=x", "-c", "user.email=x@example.com"]
    for command in ("init --quiet", "add .", "commit --quiet --message start"):
        subprocess.run([*git, *command.split()], cwd=folder, check=True)
    return folder


def test_static_files_that_no_page_links_to_go(tmp_path):
    static = tmp_path / "build" / "static"
    write(static, "site.css")
    write(static, "site.1234.css")
    write(static, "site.1234.css.gz")
    write(static, "staticfiles.json", '{"paths": {"site.css": "site.1234.css"}}')

    pruning.prune_static(static)

    left = {path.name for path in static.iterdir()}
    assert left == {"site.1234.css", "staticfiles.json"}


SPEAK = """
import pickle
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path

import babel.core
import django
from babel import localedata

if len(sys.argv) > 1:
    folder = Path(sys.argv[1])
    localedata._dirname = str(folder)
    shared = folder.with_name("global.dat")
    babel.core._global_data = pickle.loads(shared.read_bytes())
django.setup()

from accounts.money import EXPONENTS
from invoices.pdf.speech import Speech
from invoices.wording import WORDS

for language in WORDS:
    for currency in EXPONENTS:
        speech = Speech(language, currency)
        print(speech.money(-1234567), speech.price(Decimal("0.0125")))
    print(speech.number(Decimal("1234.5")), speech.country("DE"), speech.country("US"))
    for month in range(1, 13):
        day = date(2026, month, month)
        print(speech.day(day), speech.short_day(day))
"""


def test_documents_speak_the_same_with_what_is_left_of_each_language(tmp_path):
    folder = tmp_path / "babel" / "locale-data"
    folder.mkdir(parents=True)
    source = Path(babel.__file__).with_name("locale-data")
    for name in pruning.ALONE["babel/locale-data"]:
        shutil.copy(source / name, folder)
    shutil.copy(source.with_name("global.dat"), folder.parent)

    pruning.cut_locales(tmp_path)

    size = sum(path.stat().st_size for path in folder.iterdir())
    assert (
        size < sum((source / path.name).stat().st_size for path in folder.iterdir()) / 5
    )
    assert spoken(folder) == spoken()


def spoken(*folder):
    environment = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, "-c", SPEAK, *map(str, folder)]
    done = subprocess.run(
        command, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.count("\n") > 1000
    return done.stdout
