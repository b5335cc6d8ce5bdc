"""What is compared, and how each is put together as Lambda would be given it."""

import compileall
import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from py_compile import PycInvalidationMode

from benchmarks.events import HOST, Event
from benchmarks.process import LOADERS, Process

ROOT = Path(__file__).resolve().parent.parent
PEERS = Path(__file__).resolve().parent / "peers"
BUILD = ROOT / "build" / "bench"
SITE_URL = f"https://{HOST}"
# Lambda's Python brings these; a package leaves them out.
LAMBDA_BRINGS = (
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "s3transfer",
    "six.py",
    "urllib3",
)


class Missing(Exception):
    """A sentence for the person whose machine lacks something."""


@dataclass(frozen=True)
class Target:
    """A packaged handler, and what starts it."""

    name: str
    title: str
    command: list[str]
    folder: Path
    # Megabytes, zipped and unpacked.
    zipped: float
    unpacked: float
    environment: Mapping[str, str] = field(default_factory=dict)

    def start(self, database_url: str, first: Event) -> Process:
        environment = self.surroundings(database_url)
        log = BUILD / f"{self.name}.log"
        return Process(self.name, self.command, self.folder, environment, log, first)

    def surroundings(self, database_url: str) -> dict[str, str]:
        """The environment of its processes."""
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "TZ": ":UTC",
            "AWS_LAMBDA_FUNCTION_NAME": "benchmark",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1769",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "LAMBDA_TASK_ROOT": str(self.folder),
            "SITE_URL": SITE_URL,
            "DATABASE_URL": database_url,
            **self.environment,
        }


def ours(zip_file: Path | None) -> Target:
    """
    :param zip_file: a package that is there already; without one it is built
    """
    if zip_file is None:
        zip_file = BUILD / "ours.zip"
        _run([sys.executable, "-m", "deploy.package", "--output", zip_file], ROOT)
    folder = _emptied("ours")
    with zipfile.ZipFile(zip_file) as archive:
        archive.extractall(folder)
    return Target(
        name="ours",
        title="PayMyInvoice, whole",
        command=_python("config.lambda_handler.handler"),
        folder=folder,
        zipped=_megabytes([zip_file]),
        unpacked=_megabytes(folder.rglob("*")),
        environment={
            "PYTHONPATH": f"{folder}:{_what_lambda_brings()}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "STAGE": "dev",
            "ALLOWED_HOSTS": HOST,
            "SECRET_KEY": "only-for-this-benchmark-" * 4,
            "EMAIL_URL": "dummymail://",
            "MEDIA_BUCKET": "media",
            "STRIPE_API_KEY": "sk_test_benchmark",
            "STRIPE_WEBHOOK_SECRETS": "whsec_benchmark",
            # The calls of an hour come within a minute here.
            "API_RATE_ANONYMOUS": "100000/min",
            "API_RATE_USER": "100000/min",
        },
    )


def node(_zip_file: Path | None) -> Target:
    """:raises Missing: without Node"""
    if not (shutil.which("node") and shutil.which("npm")):
        raise Missing(
            "Node is missing: install the Debian packages nodejs and npm, or name "
            "other --targets."
        )
    return _target(
        "node",
        "Express, Sequelize",
        command=["node", str(LOADERS / "loader.cjs"), "handler.handler"],
        folder=_made("node", [PEERS / "node"], _make_node),
        environment={"NODE_ENV": "production"},
    )


def django(_zip_file: Path | None) -> Target:
    folder = _made("django", [PEERS / "django"], _make_django)
    return _python_target("django", "Django, DRF", folder, "peer.handler.handler")


def floor(_zip_file: Path | None) -> Target:
    folder = _made("floor", [PEERS / "django", PEERS / "floor"], _make_floor)
    return _python_target("floor", "Python, raw SQL", folder, "handler.handler")


MAKERS: Mapping[str, Callable[[Path | None], Target]] = {
    "ours": ours,
    "node": node,
    "django": django,
    "floor": floor,
}


def _python(handler: str) -> list[str]:
    # Without the site-packages of this machine: a package has its own.
    return [sys.executable, "-S", str(LOADERS / "loader.py"), handler]


def _python_target(name: str, title: str, folder: Path, handler: str) -> Target:
    return _target(
        name,
        title,
        command=_python(handler),
        folder=folder,
        environment={"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def _target(
    name: str,
    title: str,
    *,
    command: list[str],
    folder: Path,
    environment: Mapping[str, str],
) -> Target:
    archive = BUILD / f"{name}.zip"
    files = [file for file in sorted(folder.rglob("*")) if file.is_file()]
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for file in files:
            packed.write(file, file.relative_to(folder))
    return Target(
        name=name,
        title=title,
        command=command,
        folder=folder,
        zipped=_megabytes([archive]),
        unpacked=_megabytes(files),
        environment=environment,
    )


def _made(name: str, sources: list[Path], make: Callable[[Path], None]) -> Path:
    """The folder of a peer, made anew only when what it is made of has changed."""
    digest = hashlib.sha256(sys.version.encode())
    for source in sources:
        for file in sorted(source.rglob("*")):
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(file.read_bytes())
    stamp = BUILD / f"{name}.stamp"
    if not stamp.exists() or stamp.read_text() != digest.hexdigest():
        stamp.unlink(missing_ok=True)
        make(_emptied(name))
        stamp.write_text(digest.hexdigest())
    return BUILD / name


def _make_node(folder: Path) -> None:
    for file in (PEERS / "node").iterdir():
        if file.name != "node_modules":
            shutil.copy(file, folder)
    _run(["npm", "ci", "--omit=dev", "--no-audit", "--no-fund", "--silent"], folder)


def _make_django(folder: Path) -> None:
    _install(folder)
    shutil.copytree(PEERS / "django" / "peer", folder / "peer")
    _compile(folder)


def _make_floor(folder: Path) -> None:
    everything = _emptied("driver")
    _install(everything)
    shutil.copytree(everything / "MySQLdb", folder / "MySQLdb")
    shutil.copy(PEERS / "floor" / "handler.py", folder)
    _compile(folder)


def _compile(folder: Path) -> None:
    # Valid whatever the dates of its sources, as ours is.
    compileall.compile_dir(
        folder,
        quiet=2,
        stripdir=str(folder),
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )


def _install(folder: Path) -> None:
    uv = shutil.which("uv") or ROOT / ".tools" / "bin" / "uv"
    locked = PEERS / "django" / "requirements.txt"
    install = "pip install --quiet --no-deps --require-hashes --python"
    _run([uv, *install.split(), sys.executable, "--target", folder, "-r", locked], ROOT)


def _what_lambda_brings() -> Path:
    folder = _emptied("runtime")
    site_packages = Path(sysconfig.get_path("purelib"))
    for name in LAMBDA_BRINGS:
        (folder / name).symlink_to(site_packages / name)
    return folder


def _emptied(name: str) -> Path:
    folder = BUILD / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _megabytes(files: Iterable[Path]) -> float:
    return sum(file.stat().st_size for file in files if file.is_file()) / 1_000_000


def _run(command: Sequence[str | Path], folder: Path) -> None:
    subprocess.run([str(part) for part in command], cwd=folder, check=True)
