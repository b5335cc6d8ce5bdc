"""
Lambda's execution environments on this machine: the unpacked zip, read-only on
`/var/task`, under AWS's own Runtime Interface Emulator.
"""

import functools
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HANDLER = "config.lambda_handler.handler"
HOST = "127.0.0.1"
REGION = "eu-central-1"
TASK_ROOT = Path("/var/task")

SITE_PACKAGES = Path(sysconfig.get_path("platlib"))
EMULATOR = SITE_PACKAGES / "samcli" / "local" / "rapid" / "aws-lambda-rie-x86_64"
# What Lambda's Python brings besides the standard library.
RUNTIME = (
    "awslambdaric",
    "boto3",
    "botocore",
    "dateutil",
    "jmespath",
    "runtime_client.cpython-313-x86_64-linux-gnu.so",
    "s3transfer",
    "simplejson",
    "six.py",
    "snapshot_restore_py.py",
    "urllib3",
)
# Whatever of a function still runs or is frozen ends with its namespace.
UNSHARE = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
INVOCATIONS = "/2015-03-31/functions/function/invocations"
# Lambda gives INIT ten seconds of its own; a busy laptop gets some more.
SPARE_SECONDS = 30

# The kernel ends a child with the thread that started it: see `_start`.
STARTER = ThreadPoolExecutor(max_workers=1)

type Event = dict[str, Any]


class FunctionError(Exception):
    """The function raised, died or took too long; the message is Lambda's report."""


class Throttled(Exception):
    """As many environments are busy as the function may have."""


@dataclass(frozen=True)
class Configuration:
    """
    What a stage says of its function.

    :param memory: MB; an invocation after which more was used counts as killed
    :param timeout: seconds an invocation may take, INIT included
    :param concurrency: the most environments at once
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    name: str = "paymyinvoice-dev"
    version: str = "$LATEST"
    handler: str = HANDLER
    memory: int = 1024
    timeout: int = 29
    concurrency: int | None = None


@dataclass(frozen=True)
class Outcome:
    """
    What became of an event.

    :param payload: JSON, the function's own or Lambda's report of a failure
    :param log: what was logged meanwhile, with START, END and REPORT
    """

    payload: bytes
    failed: bool
    log: str

    def answer(self) -> Any:
        """:raises FunctionError: if it failed"""
        if self.failed:
            raise FunctionError(f"{self.payload.decode()}\n{self.log}")
        return json.loads(self.payload)


class Function:
    """
    A version of a function: as many environments as there are events at once.

    :param task: the unpacked zip
    :param logs: a folder; each environment writes a file into it
    """

    def __init__(self, task: Path, configuration: Configuration, logs: Path) -> None:
        self.configuration = configuration
        self.environments: list[Environment] = []
        self._task = task
        self._logs = logs
        self._idle: list[Environment] = []
        self._lock = threading.Lock()
        self._retired = False

    def invoke(self, event: Event) -> Any:
        """
        The function's answer.

        :raises FunctionError: if it raised, died, or did not answer in time
        """
        return self.call(json.dumps(event).encode()).answer()

    def call(self, payload: bytes) -> Outcome:
        """:raises Throttled: if no environment is free and no other may start"""
        environment = self._take()
        try:
            return environment.call(payload)
        finally:
            self._give_back(environment)

    def output(self) -> str:
        """What all environments wrote, oldest environment first."""
        return "".join(environment.output() for environment in self.environments)

    @property
    def peak_memory(self) -> int:
        """MB that the largest environment used."""
        return max((each.peak_memory for each in self.environments), default=0)

    def freeze(self) -> None:
        """Stop the clock of every environment, as between two events."""
        for environment in self.environments:
            environment.freeze()

    def thaw(self) -> None:
        for environment in self.environments:
            environment.thaw()

    def retire(self) -> None:
        """Stop what is idle now, and what is busy when it has answered."""
        with self._lock:
            self._retired = True
            idle, self._idle = self._idle, []
        for environment in idle:
            environment.stop()

    def stop(self) -> None:
        for environment in self.environments:
            environment.stop()

    def _take(self) -> "Environment":
        with self._lock:
            if self._idle:
                return self._idle.pop()
            if len(self.environments) == self.configuration.concurrency:
                raise Throttled(self.configuration.name)
            log = _new_log(self._logs, self.configuration.name)
            environment = Environment(self._task, self.configuration, log)
            self.environments.append(environment)
        environment.start()
        return environment

    def _give_back(self, environment: "Environment") -> None:
        with self._lock:
            if not self._retired:
                self._idle.append(environment)
                return
        environment.stop()


class Environment:
    """One execution environment: it handles one event at a time, as Lambda's do."""

    def __init__(self, task: Path, configuration: Configuration, log: Path) -> None:
        self.log = log
        self.peak_memory = 0
        self._configuration = configuration
        self._task = task
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        self._port, runtime_api = _free_port(), _free_port()
        command = [
            str(EMULATOR),
            *("--runtime-interface-emulator-address", f"{HOST}:{self._port}"),
            *("--runtime-api-address", f"{HOST}:{runtime_api}"),
            # Without the site-packages of this machine: see RUNTIME.
            *(sys.executable, "-S", "-m", "awslambdaric", self._configuration.handler),
        ]
        root, prefix = _place(self._task)
        with self.log.open("ab") as output:
            start = functools.partial(
                subprocess.Popen[bytes],
                [*("setpriv", "--pdeathsig", "KILL"), *prefix, *command],
                cwd=self._task,
                env=self._variables(root),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            self._process = STARTER.submit(start).result()
        self._wait_until_it_listens()

    def call(self, payload: bytes) -> Outcome:
        before = self.log.stat().st_size
        status, body = self._post(payload)
        logged = self._logged_since(before)
        used = self._measure()
        log = _with_figures(_without_chatter(logged), logged, used)
        failed = status != 200 or _is_report(body)
        if used > self._configuration.memory:
            self.stop()
            self.start()
            return Outcome(_killed(), failed=True, log=log)
        if body.startswith(b"Task timed out after "):
            # Lambda says so in JSON; its emulator does not.
            body, failed = json.dumps({"errorMessage": body.decode()}).encode(), True
        return Outcome(body, failed, log)

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def output(self) -> str:
        return _without_chatter(self.log.read_text(errors="replace"))

    def stop(self) -> None:
        if self._process:
            self._measure()
            self._process.kill()
            self._process.wait()

    def _post(self, payload: bytes) -> tuple[int, bytes]:
        seconds = self._configuration.timeout + SPARE_SECONDS
        line = http.client.HTTPConnection(HOST, self._port, timeout=seconds)
        try:
            line.request("POST", INVOCATIONS, payload)
            response = line.getresponse()
            return response.status, response.read()
        finally:
            line.close()

    def _variables(self, root: Path) -> dict[str, str]:
        """Those that Lambda reserves, then the function's own."""
        name = self._configuration.name
        reserved = {
            "PATH": os.environ["PATH"],
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": "testing",
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(self._configuration.memory),
            "AWS_LAMBDA_FUNCTION_NAME": name,
            "AWS_LAMBDA_FUNCTION_TIMEOUT": str(self._configuration.timeout),
            "AWS_LAMBDA_FUNCTION_VERSION": self._configuration.version,
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
            "AWS_LAMBDA_LOG_STREAM_NAME": self.log.stem,
            "AWS_REGION": REGION,
            "LAMBDA_TASK_ROOT": str(root),
            "LANG": "en_US.UTF-8",
            "PYTHONPATH": f"{root}:{_runtime()}",
            "TZ": ":UTC",
        }
        return reserved | dict(self._configuration.variables)

    def _wait_until_it_listens(self) -> None:
        deadline = time.monotonic() + SPARE_SECONDS
        while time.monotonic() < deadline:
            try:
                socket.create_connection((HOST, self._port)).close()
            except OSError:
                time.sleep(0.01)
            else:
                return
        raise FunctionError(f"The emulator does not start:\n{self.output()}")

    def _logged_since(self, position: int) -> str:
        """What the emulator logs at an invocation's end comes just after the answer."""
        deadline = time.monotonic() + 1
        while True:
            with self.log.open("rb") as log:
                log.seek(position)
                text = log.read().decode(errors="replace")
            ended = "\nREPORT RequestId:" in text or "Invoke DONE failed" in text
            if ended or time.monotonic() > deadline:
                return text
            time.sleep(0.002)

    def _measure(self) -> int:
        """MB that the function took at most since its INIT; 0 if it ended."""
        used = 0
        for process in self._runtime_processes():
            status = _read(Path(f"/proc/{process}/status"))
            if peak := re.search(r"VmHWM:\s+(\d+) kB", status):
                used = max(used, int(peak[1]) // 1024)
        self.peak_memory = max(self.peak_memory, used)
        return used

    def _signal(self, number: signal.Signals) -> None:
        for process in self._runtime_processes():
            os.kill(process, number)

    def _runtime_processes(self) -> list[int]:
        """The function's processes: children of the emulator's, which has one parent."""
        assert self._process
        below = list(_descendants(self._process.pid))
        return [
            process
            for process in below
            if "awslambdaric" in (line := _read(Path(f"/proc/{process}/cmdline")))
            and EMULATOR.name not in line
        ]


def _new_log(folder: Path, name: str) -> Path:
    for number in itertools.count(1):
        log = folder / f"{name}-{number}.log"
        with suppress(FileExistsError):
            log.touch(exist_ok=False)
            return log
    raise AssertionError("unreachable")


def _descendants(process: int) -> Iterator[int]:
    for children in Path(f"/proc/{process}/task").glob("*/children"):
        for child in map(int, _read(children).split()):
            yield child
            yield from _descendants(child)


def _read(path: Path) -> str:
    """The text of a file of `/proc`, whose process may be gone."""
    try:
        return path.read_text()
    except OSError:
        return ""


def _is_report(body: bytes) -> bool:
    """Whether this is Lambda's report of an exception; the emulator's status is 200."""
    if not body.startswith(b'{"errorMessage"'):
        return False
    report: Event = json.loads(body)
    return {"errorMessage", "errorType"} <= report.keys()


def _killed() -> bytes:
    message = "Error: Runtime exited with error: signal: killed"
    return json.dumps(
        {"errorType": "Runtime.ExitError", "errorMessage": message}
    ).encode()


def _without_chatter(text: str) -> str:
    """The log without what the emulator says of itself."""
    lines = text.splitlines(keepends=True)
    return "".join(line for line in lines if "] (rapid) " not in line)


def _with_figures(log: str, chatter: str, peak_memory: int) -> str:
    """The REPORT with what was measured, for which the emulator has stopgaps."""
    log = re.sub(r"(Max Memory Used:) \d+", rf"\1 {peak_memory}", log)
    if init := re.search(r"INIT REPORT\(durationMs: ([\d.]+)\)", chatter):
        log = re.sub(r"(Init Duration:) [\d.]+", rf"\1 {float(init[1]):.2f}", log)
    return log


@functools.cache
def may_mount() -> bool:
    """Whether `/var/task` can be had: it takes root, and a kernel that lets root."""
    if os.geteuid():
        return False
    probe = [*UNSHARE, "true"]
    return not subprocess.run(probe, check=False, capture_output=True).returncode


def _place(task: Path) -> tuple[Path, list[str]]:
    """Where the function finds its files, and the command that makes it so."""
    if not may_mount():
        _write_protect(task)
        return task, []
    TASK_ROOT.mkdir(exist_ok=True)
    mount = (
        'mount --bind "$0" {0} && mount -o remount,ro,bind {0} && cd {0} && exec "$@"'
    )
    return TASK_ROOT, [*UNSHARE, "sh", "-ec", mount.format(TASK_ROOT), str(task)]


def _write_protect(task: Path) -> None:
    for path in [task, *task.rglob("*")]:
        path.chmod(path.stat().st_mode & ~0o222)


@functools.cache
def _runtime() -> Path:
    """A folder that stands for `/var/runtime`; it stays as long as this process."""
    folder = tempfile.TemporaryDirectory(prefix="paymyinvoice-runtime-")
    _KEPT.append(folder)
    for name in RUNTIME:
        (Path(folder.name) / name).symlink_to(SITE_PACKAGES / name)
    return Path(folder.name)


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port
