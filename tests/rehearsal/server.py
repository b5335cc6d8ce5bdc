"""
The process that plays AWS: moto, and beside it what moto lacks for Zappa 0.63.

moto keeps functions and runs none. Here Invoke runs the deployed zip, and an API Gateway
stands before it. What else Zappa needs: ListFunctionUrlConfigs, names with a prefix
(`function:`) or a version in them, and code that can be downloaded.
"""

import base64
import io
import json
import logging
import re
import signal
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from moto.apigateway.models import RestAPI, apigateway_backends
from moto.awslambda.exceptions import UnknownFunctionException
from moto.awslambda.models import LambdaFunction
from moto.awslambda_simple.models import LambdaSimpleBackend, lambda_simple_backends
from moto.core.authorization import ActionAuthenticatorMixin
from moto.core.config import default_user_config
from moto.core.utils import unix_time_millis
from moto.logs.models import logs_backends
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import s3_backends
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from tests.rehearsal.environments import (
    HOST,
    REGION,
    Configuration,
    Event,
    Function,
    FunctionError,
    Outcome,
    Throttled,
)
from tests.rehearsal.gateway import ACCOUNT, LARGEST_EVENT, Route, serving

FUNCTIONS = re.compile(r"/20\d\d-\d\d-\d\d/functions/([^/]+)(/[^?]*)?$")
NAME = re.compile(r"(?:arn:aws:lambda:[\w-]+:\d+:)?(?:function:)?([\w-]+)(?::(.+))?$")
TAIL = 4096


class Functions:
    """
    The functions that were deployed, running.

    :param folder: where zips are unpacked
    :param logs: where environments write
    :param variables: what every environment has besides its stage's, as Lambda gives
        credentials; and which win, so that a stage finds the emulated world
    """

    def __init__(self, folder: Path, logs: Path, variables: dict[str, str]) -> None:
        self._folder = folder
        self._logs = logs
        self._variables = variables
        # By name and qualifier: what it was made of, and what runs of it.
        self._running: dict[tuple[str, str], tuple[str, Function]] = {}
        self._lock = threading.Lock()
        self._logging = threading.Lock()
        self._unpacking = threading.Lock()
        self._retired: list[Function] = []

    def call(self, name: str, qualifier: str, payload: bytes) -> Outcome:
        """:raises Throttled: if as many are busy as the stage may have"""
        outcome = self._current(name, qualifier).call(payload)
        self._log(name, outcome.log)
        return outcome

    def peaks(self) -> dict[str, tuple[int, int]]:
        """The most MB that a function used, and may use; by its name."""
        peaks: dict[str, tuple[int, int]] = {}
        for function in [*self._retired, *(each for _, each in self._running.values())]:
            name, limit = function.configuration.name, function.configuration.memory
            known, _ = peaks.get(name, (0, 0))
            peaks[name] = max(known, function.peak_memory), limit
        return peaks

    def freeze(self, *, thaw: bool) -> None:
        for _, function in self._running.values():
            if thaw:
                function.thaw()
            else:
                function.freeze()

    def stop(self) -> None:
        for _, function in self._running.values():
            function.stop()
        for function in self._retired:
            function.stop()

    def _current(self, name: str, qualifier: str) -> Function:
        deployed = _backend().get_function(name, qualifier or None)
        configuration = self._configuration(deployed)
        made_of = f"{deployed.code_sha_256} {configuration}"
        key = (name, qualifier)
        with self._lock:
            known, function = self._running.get(key, ("", None))
            if function and known == made_of:
                return function
            if function:
                # As on AWS: who is being answered is answered by the old code.
                function.retire()
                self._retired.append(function)
            task = self.unpack(deployed.code_bytes)
            function = Function(task, configuration, self._logs)
            self._running[key] = made_of, function
            return function

    def _configuration(self, deployed: LambdaFunction) -> Configuration:
        return Configuration(
            variables=deployed.environment_vars | self._variables,
            name=deployed.function_name,
            version=str(deployed.version),
            handler=str(deployed.handler),
            memory=int(deployed.memory_size),
            timeout=int(deployed.timeout),
            concurrency=deployed.reserved_concurrency,
        )

    def unpack(self, code: bytes) -> Path:
        """Once; Lambda does this before anybody is sent to the new code."""
        task = self._folder / sha256(code).hexdigest()[:16]
        with self._unpacking:
            if not task.exists():
                with zipfile.ZipFile(io.BytesIO(code)) as archive:
                    archive.extractall(task)
        return task

    def _log(self, name: str, text: str) -> None:
        """To CloudWatch, as Lambda does: in a group that is made if need be."""
        logs = logs_backends[ACCOUNT][REGION]
        group, stream = f"/aws/lambda/{name}", "rehearsal"
        now = int(unix_time_millis())
        with self._logging:
            if group not in logs.groups:
                logs.create_log_group(group, {})
            if stream not in logs.groups[group].streams:
                logs.create_log_stream(group, stream)
            lines = [line for line in text.splitlines() if line]
            events = [{"timestamp": now, "message": line} for line in lines]
            logs.put_log_events(group, stream, events)


class Aws:
    """A WSGI application: moto, but for what it lacks."""

    def __init__(self, moto: WSGIApplication, functions: Functions) -> None:
        self.calls: list[tuple[str, str]] = []
        self.gateway = ""
        self._moto = moto
        self._functions = functions
        self._code: dict[str, bytes] = {}

    def __call__(
        self, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        request = Request(environ)
        respond = self._own(request) or self._lambda(request)
        if respond is None:
            return self._moto(environ, start_response)
        return respond(environ, start_response)

    def record(self, service: str, action: str) -> None:
        self.calls.append((service, action))

    def route(self, host: str, address: str) -> Route | None:
        """By a domain that is mapped to an API, else by the stage in the address."""
        domain = host.split(":")[0]
        apis = apigateway_backends[ACCOUNT][REGION]
        for mapping in apis.base_path_mappings.get(domain, {}).values():
            api = apis.apis.get(mapping.rest_api_id)
            if api is None:
                return None
            return self._route(api, str(mapping.stage), domain, address)
        _, stage, *rest = urlsplit(address).path.split("/", 2)
        for api in apis.apis.values():
            if stage in api.stages and rest:
                host = f"{api.id}.execute-api.{REGION}.amazonaws.com"
                below = address.removeprefix(f"/{stage}")
                return self._route(api, stage, host, below, stage_in_path=True)
        return None

    def _route(
        self,
        api: RestAPI,
        stage: str,
        host: str,
        path: str,
        *,
        stage_in_path: bool = False,
    ) -> Route | None:
        for resource in api.resources.values():
            for method in resource.resource_methods.values():
                integration = method.method_integration
                uri = str(integration.uri if integration else "")
                if found := re.search(r":function:([\w-]+)(?::([\w$-]+))?/", uri):
                    return Route(
                        self._invoker(found[1], found[2] or ""),
                        host,
                        path,
                        stage,
                        stage_in_path,
                    )
        return None

    def _invoker(self, name: str, qualifier: str) -> Callable[[Event], Any]:
        def invoke(event: Event) -> Any:
            payload = json.dumps(event).encode()
            try:
                return self._functions.call(name, qualifier, payload).answer()
            except UnknownFunctionException as error:
                raise FunctionError(str(error)) from error

        return invoke

    # What a test asks of the emulation itself

    def _own(self, request: Request) -> Response | None:
        if not request.path.startswith("/rehearsal/"):
            return None
        _, _, what, *rest = request.path.split("/")
        if what == "code":
            return Response(self._code[rest[0]])
        if what in {"freeze", "thaw"}:
            self._functions.freeze(thaw=what == "thaw")
        answers: dict[str, Callable[[], object]] = {
            "calls": lambda: self.calls,
            "peaks": self._functions.peaks,
        }
        return _json(answers.get(what, lambda: None)())

    # Lambda

    def _lambda(self, request: Request) -> Response | None:
        match = FUNCTIONS.match(request.path)
        if match is None or request.path.endswith("/functions/"):
            return None
        named = NAME.match(unquote(match[1]))
        assert named, match[1]
        name, action = named[1], match[2] or ""
        qualifier = request.args.get("Qualifier") or named[2] or ""
        if action == "/invocations":
            return self._invoke(request, name, qualifier)
        if action == "/urls":
            self.record("lambda", "ListFunctionUrlConfigs")
            return _json({"FunctionUrlConfigs": _urls(name)})
        if request.method == "PUT" and action == "/code":
            self._functions.unpack(_new_code(request))
        if match[1] != name:
            _rename(request, f"{name}{action}", qualifier)
        if request.method == "GET" and not action:
            return self._with_location(request, name, qualifier)
        return None

    def _invoke(self, request: Request, name: str, qualifier: str) -> Response:
        self.record("lambda", "InvokeFunction")
        kind = request.headers.get("X-Amz-Invocation-Type", "RequestResponse")
        payload = request.get_data() or b"{}"
        if kind == "DryRun":
            return Response(status=204)
        if len(payload) > LARGEST_EVENT:
            return _refused(413, "RequestTooLargeException", "over 6291456 bytes")
        try:
            if kind == "Event":
                later = threading.Thread(
                    target=self._functions.call, args=(name, qualifier, payload)
                )
                later.start()
                return Response(status=202)
            outcome = self._functions.call(name, qualifier, payload)
        except Throttled:
            return _refused(429, "TooManyRequestsException", "Rate Exceeded.")
        except UnknownFunctionException as error:
            return _refused(404, "ResourceNotFoundException", str(error))
        response = Response(outcome.payload, mimetype="application/json")
        if outcome.failed:
            response.headers["X-Amz-Function-Error"] = "Unhandled"
        if request.headers.get("X-Amz-Log-Type") == "Tail":
            tail = base64.b64encode(outcome.log.encode()[-TAIL:]).decode()
            response.headers["X-Amz-Log-Result"] = tail
        return response

    def _with_location(self, request: Request, name: str, qualifier: str) -> Response:
        response = Response.from_app(self._moto, request.environ, buffered=True)
        if response.status_code != 200:
            return response
        function = _backend().get_function(name, qualifier or None)
        key = sha256(function.code_bytes).hexdigest()
        self._code[key] = function.code_bytes
        answer = json.loads(response.get_data())
        answer["Code"]["Location"] = f"{request.host_url}rehearsal/code/{key}"
        return _json(answer)


def _new_code(request: Request) -> bytes:
    """What UpdateFunctionCode brings, in itself or in a bucket."""
    body = request.get_data()
    # For moto, who reads it again.
    request.environ["wsgi.input"] = io.BytesIO(body)
    asked = json.loads(body)
    if "ZipFile" in asked:
        return base64.b64decode(asked["ZipFile"])
    buckets = s3_backends[ACCOUNT]["aws"]
    found = buckets.get_object(asked["S3Bucket"], asked["S3Key"])
    return bytes(found.value) if found else b""


def _rename(request: Request, below: str, qualifier: str) -> None:
    """Ask moto with the plain name of a function, and its version beside it."""
    path = f"{request.path.split('/functions/')[0]}/functions/{below}"
    query = f"Qualifier={quote(qualifier)}" if qualifier else ""
    request.environ["PATH_INFO"] = path
    request.environ["QUERY_STRING"] = query
    for name in ("RAW_URI", "REQUEST_URI"):
        request.environ[name] = f"{path}?{query}"


def _backend() -> LambdaSimpleBackend:
    return lambda_simple_backends[ACCOUNT][REGION]


def _urls(name: str) -> list[dict[str, Any]]:
    config = _backend().get_function(name).url_config
    return [config.to_dict()] if config else []


def _json(value: object) -> Response:
    return Response(json.dumps(value), mimetype="application/json")


def _refused(status: int, kind: str, message: str) -> Response:
    response = _json({"Type": "User", "Message": message})
    response.status_code = status
    response.headers["X-Amzn-ErrorType"] = kind
    return response


def _record_what_moto_answers(aws: Aws) -> None:
    ask = ActionAuthenticatorMixin._authenticate_and_authorize_action

    def ask_and_record(self: Any, iam_request: type, resource: str = "*") -> None:
        aws.record(str(self.boto3_service_name), str(self._get_action()))
        ask(self, iam_request, resource)

    setattr(ActionAuthenticatorMixin, ask.__name__, ask_and_record)


def _let_stacks_delete_apis() -> None:
    """moto drops a stack and keeps its REST API; AWS does not."""

    def delete(self: RestAPI, account: str, region: str) -> None:
        apigateway_backends[account][region].apis.pop(self.id, None)

    setattr(RestAPI, delete.__name__, delete)


def main() -> None:
    """
    Serve until SIGTERM. Read `{"logs": folder, "variables": {…}}` from standard input;
    write where things are, as a line of JSON.
    """
    logging.basicConfig(level=logging.WARNING)
    asked = json.loads(sys.stdin.readline())
    default_user_config["lambda"]["use_docker"] = False
    _let_stacks_delete_apis()
    with tempfile.TemporaryDirectory(prefix="paymyinvoice-aws-") as folder:
        variables = asked["variables"]
        functions = Functions(Path(folder), Path(asked["logs"] or folder), variables)
        aws = Aws(DomainDispatcherApplication(create_backend_app), functions)
        _record_what_moto_answers(aws)
        server = make_server(
            HOST, 0, aws, threaded=True, request_handler=MotoRequestHandler
        )
        endpoint = f"http://{HOST}:{server.server_port}"
        variables["AWS_ENDPOINT_URL"] = endpoint
        signal.signal(signal.SIGTERM, lambda *_: sys.exit())
        with serving(aws.route) as gateway:
            json.dump({"endpoint": endpoint, "gateway": gateway}, sys.stdout)
            sys.stdout.write("\n")
            sys.stdout.flush()
            try:
                server.serve_forever()
            finally:
                functions.stop()


if __name__ == "__main__":
    main()
