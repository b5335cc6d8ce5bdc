"""The very zip that Zappa deploys, run by Lambda's own runtime client on MariaDB."""

import importlib.metadata
import os
import re
import subprocess
import sys
import zipfile
from hashlib import sha256
from operator import itemgetter
from pathlib import Path

import environ
import MySQLdb
import pytest

from accounts.tax_ids import COUNTRIES
from deploy import checks, native, package, zipping
from tests.addresses import HOST, SITE, walked
from tests.config.shapes import received
from tests.journeys.main_job import main_job
from tests.rehearsal.environments import (
    RUNTIME,
    SITE_PACKAGES,
    Configuration,
    Function,
    FunctionError,
)
from tests.rehearsal.gateway import rest_event

# Loads the driver and the files it is given; prints what is then in memory.
LOAD = """
import ctypes, pathlib, sys
import MySQLdb
for plugin in sys.argv[1:]:
    ctypes.CDLL(plugin)
maps = pathlib.Path("/proc/self/maps").read_text()
print(*{line.split()[-1] for line in maps.splitlines()}, sep="\\n")
"""

STAGE = {
    "STAGE": "build",
    "DATABASE_URL": "sqlite://:memory:",
    "EMAIL_URL": "dummymail://",
    "MEDIA_BUCKET": "media",
    "SECRET_KEY": "only-for-this-test-" * 4,
    "SITE_URL": "https://pay.example.com",
    "STRIPE_API_KEY": "sk_test_package",
    "STRIPE_WEBHOOK_SECRETS": "whsec_package",
}
# Every module of our packages, and by name what they load only when they need it.
IMPORT_ALL = """
import ast, importlib, pathlib, sys
import config.lambda_handler
for package in "accounts billing blog config invoices".split():
    for path in sorted(pathlib.Path(package).rglob("*.py")):
        name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        print(importlib.import_module(name).__name__)
        guarded = set()
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
                guarded.update(ast.walk(node))
            if node in guarded:
                continue
            if isinstance(node, ast.Import):
                for alias in node.names:
                    importlib.import_module(alias.name)
            elif isinstance(node, ast.ImportFrom):
                module = importlib.import_module(node.module)
                for alias in node.names:
                    if not hasattr(module, alias.name):
                        importlib.import_module(f"{node.module}.{alias.name}")
"""
# What is left of libraries that were cut: pictures, time zones, numbers of tax offices.
USE = """
import io, zoneinfo
from importlib import import_module
from PIL import Image, ImageOps
from accounts.bank_accounts import compact_bic, compact_iban
from accounts.tax_ids import COUNTRIES, compact

turned = Image.Exif()
turned[0x0112] = 6
for kind in ("JPEG", "PNG", "WEBP"):
    file = io.BytesIO()
    Image.new("RGB", (90, 60)).save(file, kind, exif=turned, optimize=True)
    picture = ImageOps.exif_transpose(Image.open(file, formats=(kind,)))
    picture.thumbnail((30, 30))
    print(kind, *picture.size)
zones = zoneinfo.available_timezones()
print(len(zones), len({zoneinfo.ZoneInfo(zone) for zone in zones}))
for country, known in COUNTRIES.items():
    for module in known.modules.split():
        import_module(f"stdnum.{module}")
    print(compact(known.example, country))
print(compact_iban("DE89 3704 0044 0532 0130 00"), compact_bic("COBADEFFXXX"))
"""

pytestmark = [pytest.mark.package, pytest.mark.xdist_group("package")]


def test_the_zip_carries_no_secret_test_or_tool(zip_file):
    names = zipfile.ZipFile(zip_file).namelist()
    tools = re.compile(
        r"(benchmarks|botocore|boto3|deploy|docs|mocks|moto|mypy|pip|pytest|requirements"
        r"|setuptools|tests|uv|var|werkzeug|wheel|zappa|zappa_settings)\b"
    )

    assert [name for name in names if "/." in f"/{name}"] == []
    assert [name for name in names if tools.match(name)] == []


def test_the_zip_carries_what_is_locked_for_a_stage(task):
    lock = (package.ROOT / "requirements" / "lambda.txt").read_text()
    locked = re.findall(r"^([\w.-]+==[^ ]+)", lock, re.MULTILINE)

    carried = [
        f"{distribution.name.lower().replace('_', '-')}=={distribution.version}"
        for distribution in importlib.metadata.distributions(path=[str(task)])
    ]

    assert sorted(carried) == sorted(locked)


def test_the_zip_stays_within_its_budget(zip_file):
    everything, *parts = zipping.largest(zip_file, 1000)
    for name, packed, unpacked in (everything, *parts):
        sys.stdout.write(f"{packed:11,} {unpacked:11,}  {name}\n")

    assert everything[1] == zip_file.stat().st_size <= 25_000_000
    assert everything[2] == sum(unpacked for _, _, unpacked in parts) <= 90_000_000
    assert max(parts, key=itemgetter(1))[0] == "cryptography"


def test_every_module_of_ours_finds_what_it_imports(task, tmp_path):
    for name in RUNTIME:
        (tmp_path / name).symlink_to(SITE_PACKAGES / name)

    loaded = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_ALL],
        cwd=task,
        env=STAGE | {"PYTHONPATH": f"{task}:{tmp_path}"},
        check=False,
        capture_output=True,
        text=True,
    )

    assert loaded.stderr == ""
    assert {"billing.gateway.client", "config.lambda_handler", "invoices.pdf"} < set(
        loaded.stdout.splitlines()
    )


def test_what_was_cut_still_does_what_it_is_there_for(task):
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", USE],
        cwd=task,
        # No time zones but those of the zip.
        env={"PYTHONPATH": str(task), "PYTHONTZPATH": ""},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()

    assert done[:3] == ["JPEG 20 30", "PNG 20 30", "WEBP 20 30"]
    known, read = map(int, done[3].split())
    assert known == read > 400
    assert len(done) == 5 + len(COUNTRIES)


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


def test_zappa_builds_the_same_bytes_for_any_stage(zip_file, tmp_path):
    zappa = Path(sys.executable).with_name("zappa")
    by_zappa = tmp_path / "by_zappa.zip"

    subprocess.run(
        [zappa, "package", "prod_worker", "--output", by_zappa],
        cwd=package.ROOT,
        env={name: os.environ[name] for name in ("HOME", "PATH")},
        check=True,
    )

    assert digest(by_zappa) == digest(zip_file)


def digest(path):
    return sha256(path.read_bytes()).hexdigest()


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


def test_a_stage_without_a_domain_hands_out_addresses_that_lead_somewhere(
    stage, task, tmp_path
):
    variables = stage.function.configuration.variables | {
        "ALLOWED_HOSTS": HOST,
        "SITE_URL": SITE,
    }
    function = Function(task, Configuration(variables, timeout=120), tmp_path)

    def ask(path):
        headers = {"Host": HOST, "X-Forwarded-Proto": "https"}
        event = rest_event("GET", path, headers=headers, stage_in_path=True)
        return received(function.invoke(event))

    found = walked(
        ask,
        f"{SITE}/",
        f"{SITE}/blog/pricing-a-day-of-work/",
        f"{SITE}/accounts/login/",
        f"{SITE}/blog/feed/",
        f"{SITE}/sitemap.xml",
        f"{SITE}/api/v1/posts/?page_size=1",
        f"{SITE}/api/docs/",
    )

    function.stop()
    assert set(found.values()) == {200}
    assert any(re.search(r"/dev/static/css/site\.\w+\.css$", link) for link in found)


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


def test_no_module_is_compiled_at_a_cold_start(stage):
    read = re.findall(r"^# code object from '?(.+?)'?$", stage.function.output(), re.M)
    ours = [name for name in read if "/task" in name]

    assert len(ours) > 1000
    assert [name for name in ours if not name.endswith(".pyc")] == []


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
