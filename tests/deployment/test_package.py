"""The very zip that Zappa deploys, run by Lambda's own runtime client on MariaDB."""

import re
import subprocess
import sys
import zipfile
from hashlib import sha256

import environ
import MySQLdb
import pytest

from deploy import checks, native, package
from tests.journeys.main_job import main_job
from tests.rehearsal.environments import FunctionError

# Loads the driver and the files it is given; prints what is then in memory.
LOAD = """
import ctypes, pathlib, sys
import MySQLdb
for plugin in sys.argv[1:]:
    ctypes.CDLL(plugin)
maps = pathlib.Path("/proc/self/maps").read_text()
print(*{line.split()[-1] for line in maps.splitlines()}, sep="\\n")
"""

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package")]


def test_the_zip_carries_no_secret_test_or_tool(zip_file):
    names = zipfile.ZipFile(zip_file).namelist()

    assert [
        name for name in names if re.match(r"(tests|docs|deploy|\.|var/)", name)
    ] == []
    assert [name for name in names if name.startswith(("pytest/", "mypy/"))] == []


def test_byte_code_is_of_its_source_and_of_no_time(task):
    checks.check_byte_code(task)

    assert len(list(task.rglob("*.pyc"))) > 1000


def test_the_driver_uses_no_library_of_this_machine(task):
    plugins = sorted((task / native.PLUGINS).glob("*.so"))

    loaded = subprocess.run(
        [sys.executable, "-S", "-c", LOAD, *plugins],
        env={"PYTHONPATH": str(task)},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()

    assert "caching_sha2_password.so" in {plugin.name for plugin in plugins}
    assert {str(plugin) for plugin in plugins} <= set(loaded)
    clients = [path for path in loaded if re.search(r"/lib(mariadb|ssl|crypto)-", path)]
    assert len(clients) == 3
    assert [path for path in clients if not path.startswith(str(task))] == []


def test_two_builds_have_the_same_bytes(zip_file, tmp_path):
    again = tmp_path / "again.zip"

    package.build(again)

    assert sha256(again.read_bytes()).digest() == sha256(zip_file.read_bytes()).digest()


def test_a_stranger_reads_a_post(stage):
    reader = stage.shop.browser()

    page = reader.open("/blog/pricing-a-day-of-work/")

    assert "Count the days that count" in page
    assert reader.http.get(stage.shop.site + "/readyz").text == "ok"


def test_a_page_brings_its_style(stage):
    reader = stage.shop.browser()
    sheet = re.search(r'href="(/static/css/site\.\w+\.css)"', reader.open("/"))

    assert sheet, "no hashed style sheet"
    assert b"--" in reader.download(sheet[1])


@pytest.mark.parametrize("address", ["/api/docs/", "/admin/login/"])
def test_pages_of_libraries_bring_their_files(stage, address):
    reader = stage.shop.browser()
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', reader.open(address))

    assert len(files) > 2
    assert all(reader.download(file) for file in files)


def test_an_owner_invoices_and_a_customer_pays(stage):
    main_job(stage.shop)


def test_nothing_is_written_beside_the_code(stage, task, shipped):
    stage.shop.run_tasks()

    assert set(task.rglob("*")) == shipped


def test_a_connection_lost_while_frozen_is_made_again(stage):
    stage.shop.browser().open("/")
    kill_connections(stage.database_url)

    stage.shop.run_tasks()

    assert stage.shop.browser().open("/")


def test_code_in_an_event_is_refused(stage):
    with pytest.raises(FunctionError, match="UnroutableEvent"):
        stage.function.invoke({"raw_command": "print(1)"})


def kill_connections(database_url):
    """What a failover, or a night, does to the connections of a frozen function."""
    place = environ.Env.db_url_config(database_url)
    connection = MySQLdb.connect(
        host=place["HOST"],
        port=place["PORT"],
        user=place["USER"],
        passwd=place["PASSWORD"],
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM information_schema.processlist"
            " WHERE id <> CONNECTION_ID() AND user = %s",
            [place["USER"]],
        )
        killed = [cursor.execute(f"KILL {number}") for (number,) in cursor.fetchall()]
    assert killed
