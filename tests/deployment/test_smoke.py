import io
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deploy import smoke
from deploy.smoke import Unhealthy
from tests.deployment.stages import Builder


@pytest.fixture
def zips(tmp_path):
    build = Builder(tmp_path)
    return build("new").read_bytes(), build("old").read_bytes()


@contextmanager
def site(answers):
    """An address at which each path has its answers: one a request, the last for good."""
    left = {path: list(several) for path, several in answers.items()}

    class Site(BaseHTTPRequestHandler):
        def do_GET(self):
            several = left.get(self.path, [(404, b"")])
            status, body = several.pop(0) if len(several) > 1 else several[0]
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def style_sheet(zip_content):
    with zipfile.ZipFile(io.BytesIO(zip_content)) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".css"))
        return name.removeprefix("build"), archive.read(name)


def healthy(zip_content):
    path, content = style_sheet(zip_content)
    page = f'<html><link rel="stylesheet" href="{path}"></html>'
    return {
        "/healthz": [(200, b"ok")],
        "/readyz": [(200, b"ok")],
        "/": [(200, page.encode())],
        "/api/v1/posts/": [(200, b'{"results": []}')],
        path: [(200, content)],
    }


def test_every_path_is_asked_of_a_healthy_stage(zips):
    answers = healthy(zips[0])

    with site(answers) as address:
        asked = smoke.ask(address, zips[0], patience=0)

    assert asked == [*list(answers)[:-1], "its style sheet"]


@pytest.mark.parametrize(
    ("path", "answer", "problem"),
    [
        ("/healthz", (502, b""), "/healthz answered 502"),
        ("/readyz", (503, b"The database does not answer."), "/readyz answered 503"),
        ("/", (200, b"Hello"), "/ answered with something else than it should"),
        ("/", (301, b""), "/ answered 301"),
        ("/api/v1/posts/", (200, b"<html></html>"), "posts/ answered with something"),
        ("/api/v1/posts/", (200, b"[]"), "posts/ answered with something else"),
    ],
)
def test_wrong_answer_is_named(zips, path, answer, problem):
    with (
        site(healthy(zips[0]) | {path: [answer]}) as address,
        pytest.raises(Unhealthy, match=problem),
    ):
        smoke.ask(address, zips[0], patience=0)


def test_stage_that_runs_another_zip_is_found_by_its_style_sheet(zips):
    with (
        site(healthy(zips[1])) as address,
        pytest.raises(Unhealthy, match=r"/ links to .*css, which is not of the zip"),
    ):
        smoke.ask(address, zips[0], patience=0)


def test_style_sheet_must_be_the_zips_own(zips):
    path, _ = style_sheet(zips[0])

    with (
        site(healthy(zips[0]) | {path: [(200, b"body {}")]}) as address,
        pytest.raises(Unhealthy, match="css answered with something else"),
    ):
        smoke.ask(address, zips[0], patience=0)


def test_style_sheet_is_found_as_a_browser_finds_it(zips):
    path, _ = style_sheet(zips[0])
    answers = healthy(zips[0])
    below_stage = {f"/dev{place}": several for place, several in answers.items()}

    with (
        site(below_stage) as address,
        pytest.raises(Unhealthy, match=r"[0-9]/static/.*\.css answered 404"),
    ):
        smoke.ask(f"{address}/dev", zips[0], patience=0)

    page = f'<link rel="stylesheet" href="/dev{path}"></html>'.encode()
    with site(below_stage | {"/dev/": [(200, page)]}) as address:
        assert smoke.ask(f"{address}/dev", zips[0], patience=0)


def test_page_without_a_style_sheet_is_named(zips):
    with (
        site(healthy(zips[0]) | {"/": [(200, b"<html></html>")]}) as address,
        pytest.raises(Unhealthy, match="/ links to no style sheet"),
    ):
        smoke.ask(address, zips[0], patience=0)


def test_wrong_answer_that_stays_wrong_ends_the_patience(zips, monkeypatch):
    monkeypatch.setattr(smoke, "PAUSE", 0.01)

    with (
        site(healthy(zips[0]) | {"/healthz": [(502, b"")]}) as address,
        pytest.raises(Unhealthy, match="/healthz answered 502"),
    ):
        smoke.ask(address, zips[0], patience=0.2)


def test_wrong_answer_may_become_right_in_time(zips):
    answers = healthy(zips[0]) | {"/healthz": [(502, b""), (200, b"ok")]}

    with site(answers) as address:
        assert smoke.ask(address, zips[0], patience=5)[0] == "/healthz"


def test_address_at_which_nobody_answers_is_named():
    assert "cannot be reached" in smoke.problem_of("http://127.0.0.1:9", "/healthz")
