"""
Byte-compiles a tree for /var/task.

Lambda's /var/task cannot be written to, and a zip knows no time that Python would trust:
byte code that is checked against its source's time is stale there, at every cold start.
So it carries its source's hash, and is told not to be checked (PEP 552).
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.checks import Unfit, files_of

TASK = "/var/task"
# Large folders of which little is ever loaded, and that; or large modules, never loaded.
# The rest has its source, for the day that Stripe answers with an object nobody here asked
# for; Python then compiles it. A test of the package says when something is missing here.
LOADED_OF = {
    "PIL/ImageFilter": "",
    "allauth/socialaccount": "__init__ providers/__init__",
    "cryptography/x509": "",
    "django/contrib/staticfiles/management": "__init__",
    "django/core/management/templates": "",
    "django/core/serializers/xml_serializer": "",
    "django/core/management/commands": """
        __init__ check createcachetable flush makemigrations migrate showmigrations
    """,
    "idna/uts46data": "",
    "reportlab/lib/pdfencrypt": "",
    "reportlab/pdfbase/_glyphlist": "",
    "reportlab/pdfbase/acroform": "",
    "stripe": """
        __init__ _any_iterator _api_mode _api_requestor _api_resource _api_version
        _app_info _base_address _charge _checkout_service _client_options
        _createable_api_resource _encode _error _error_object _event
        _event_notification_handler _event_service _expandable_field _http_client
        _list_object _listable_api_resource _multipart_data_generator
        _nested_resource_class_methods _oauth_service _object_classes _payment_intent
        _payment_intent_service _refund _refund_service _request_metrics
        _request_options _requestor_options _search_result_object
        _searchable_api_resource _stripe_client _stripe_context _stripe_object
        _stripe_response _stripe_service _telemetry_id _test_helpers
        _updateable_api_resource _util _v1_services _v2_services _version _webhook
        checkout/__init__ checkout/_session checkout/_session_service oauth_error
        v2/__init__ v2/_amount v2/_list_object v2/_search_result_object
        v2/core/__init__ v2/core/_event
    """,
}


def compile_tree(tree: Path) -> None:
    """:raises Unfit: if a module cannot be compiled"""
    modules = "\n".join(map(str, _loaded(tree)))
    command = "-m compileall -q -f --invalidation-mode unchecked-hash -j 1 -i -"
    done = subprocess.run(
        [sys.executable, *command.split(), "-s", str(tree), "-p", TASK],
        input=modules,
        # Sets of constants are written in the order of their hashes.
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Unfit(f"A module cannot be compiled.\n{done.stdout}")


def _loaded(tree: Path) -> Iterator[Path]:
    for path in files_of(tree):
        name = path.relative_to(tree).with_suffix("").as_posix()
        # Of two, Python takes the one in C.
        in_c = any(path.parent.glob(f"{path.stem}.*.so"))
        if path.suffix == ".py" and not in_c and _is_loaded(name):
            yield path


def _is_loaded(name: str) -> bool:
    for place, loaded in LOADED_OF.items():
        if f"{name}/".startswith(f"{place}/"):
            return name.removeprefix(f"{place}/") in loaded.split()
    return True
