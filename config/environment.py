"""
What differs between a laptop, the tests and a stage, told in Django's terms.

The environment is read here and in config/settings.py alone; `.env.example` lists every
variable. A laptop has a harmless default for each; a deployed stage without a secret does
not start.
"""

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent

env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

STAGE: str = env("STAGE", default="laptop")
IS_DEPLOYED = STAGE != "laptop"

# What a laptop writes: database, mail, media. A stage writes nothing to disk.
VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var")))
if not IS_DEPLOYED:
    # SQLite makes a file, but not the folder for it.
    VAR_DIR.mkdir(parents=True, exist_ok=True)


def stage_needs(name: str, *, on_a_laptop: str) -> str:
    """:raises ImproperlyConfigured: if a deployed stage lacks the variable"""
    value: str = env(name, default="")
    if value or not IS_DEPLOYED:
        return value or on_a_laptop
    raise ImproperlyConfigured(f"Set {name}: the stage {STAGE!r} cannot start without.")


def site() -> tuple[str, str]:
    """
    The site's scheme and host, without a slash at the end, and what its paths begin with.

    That is the stage, where API Gateway's own host name is the site's; else nothing. A
    worker, whom nobody asks by an address, has it as well.

    :raises ImproperlyConfigured: if `SITE_URL` is no address
    """
    url = urlsplit(stage_needs("SITE_URL", on_a_laptop="http://localhost:8000"))
    if not (url.scheme and url.netloc):
        raise ImproperlyConfigured(
            f"SITE_URL is {url.geturl()!r}: begin it with https:// and the site's host."
        )
    return f"{url.scheme}://{url.netloc}", url.path.rstrip("/")


def database() -> dict[str, Any]:
    parts = _database_parts()
    return {
        **parts,
        **(_sqlite() if parts["ENGINE"].endswith("sqlite3") else _mysql(parts["HOST"])),
        # A connection outlives its request, so that a warm Lambda environment reuses it.
        "CONN_MAX_AGE": env.int("CONN_MAX_AGE", default=300),
        "CONN_HEALTH_CHECKS": True,
    }


def _database_parts() -> dict[str, Any]:
    """`DATABASE_URL`, or the parts a stage's infrastructure and secret bring."""
    host: str = env("DATABASE_HOST", default="")
    if env("DATABASE_URL", default="") or not host:
        url = stage_needs("DATABASE_URL", on_a_laptop=f"sqlite:///{VAR_DIR}/db.sqlite3")
        return dict(env.db_url_config(url))
    return {
        "ENGINE": "django.db.backends.mysql",
        "HOST": host,
        "PORT": env.int("DATABASE_PORT", default=3306),
        "NAME": stage_needs("DATABASE_NAME", on_a_laptop="paymyinvoice"),
        "USER": stage_needs("DATABASE_USER", on_a_laptop="paymyinvoice"),
        "PASSWORD": stage_needs("DATABASE_PASSWORD", on_a_laptop=""),
    }


def _sqlite() -> dict[str, Any]:
    return {
        "OPTIONS": {
            # SQLite ignores SELECT FOR UPDATE: the whole transaction is the lock.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
        }
    }


def _mysql(host: str) -> dict[str, Any]:
    # Seconds; all below API Gateway's 29, so that a silent network is an error. What a
    # worker asks, a migration for one, may take longer.
    patience = env.int("DATABASE_READ_TIMEOUT", default=25)
    return {
        "OPTIONS": {
            "charset": "utf8mb4",
            "connect_timeout": env.int("DATABASE_CONNECT_TIMEOUT", default=5),
            "read_timeout": patience,
            "write_timeout": patience,
            # A lost race must see the winner's row when it looks again.
            "isolation_level": "read committed",
            "init_command": "SET sql_mode='STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,"
            "NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION',"
            # Bytes; a post has up to ten tags of fifty characters. MySQL cuts at 1024.
            "group_concat_max_len=4096",
            **_tls(host),
        },
        "TEST": {"CHARSET": "utf8mb4"},
    }


def _tls(host: str) -> dict[str, Any]:
    """
    Options of the driver that refuse a server which its authority does not vouch for.

    :raises ImproperlyConfigured: if the authority's certificate is not there
    """
    authority: str = env("DATABASE_SSL_CA", default="")
    if not authority and IS_DEPLOYED and host not in {"127.0.0.1", "::1", "localhost"}:
        # Of RDS, of this region alone: all of them take 50 ms to read at each log-in.
        region = env("AWS_REGION", default="(AWS_REGION)")
        authority = str(BASE_DIR / "config" / "certificates" / f"rds-{region}.pem")
    if not authority:
        return {}
    if not Path(authority).is_file():
        raise ImproperlyConfigured(
            f"{authority} is missing: set DATABASE_SSL_CA to a file with the certificate "
            "of the authority that signed the database server's."
        )
    return {"ssl_mode": "VERIFY_IDENTITY", "ssl": {"ca": authority}}


def mailer() -> dict[str, Any]:
    """`EMAIL_URL`; a laptop writes its mail into files."""
    told = env.email_url_config(
        stage_needs("EMAIL_URL", on_a_laptop=f"filemail:///{VAR_DIR}/mail")
    )
    options = {
        "smtp": {
            "host": told["EMAIL_HOST"],
            "port": told["EMAIL_PORT"],
            "username": told["EMAIL_HOST_USER"],
            "password": told["EMAIL_HOST_PASSWORD"],
            "use_tls": told.get("EMAIL_USE_TLS", False),
            "use_ssl": told.get("EMAIL_USE_SSL", False),
            "timeout": 10,
        },
        "filebased": {"file_path": told["EMAIL_FILE_PATH"]},
    }
    backend: str = told["EMAIL_BACKEND"]
    return {"BACKEND": backend, "OPTIONS": options.get(backend.split(".")[-2], {})}


def storage(place: str, bucket: str) -> dict[str, Any]:
    """A folder of the bucket; without one, of what a laptop writes."""
    if not bucket:
        return {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": VAR_DIR / place},
        }
    return {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {
            "bucket_name": bucket,
            "location": place,
            "file_overwrite": False,
            "querystring_auth": True,
        },
    }
