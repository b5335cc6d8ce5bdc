"""Nothing is sent to a private address, however it is dressed up."""

import socket
import threading
import time
from ipaddress import ip_address

import pytest

from accounts import destinations
from accounts.exceptions import DestinationRefused, NotReached
from tests.certificates import write_certificates
from tests.listener import listening

PUBLIC = "93.184.215.14"


@pytest.fixture
def names(monkeypatch):
    """Host to the addresses it has at each look-up, the last of them for good."""
    known = {}
    real = socket.getaddrinfo

    def look_up(host, port, *args, **kwargs):
        if host not in known:
            return real(host, port, *args, **kwargs)
        answers = known[host]
        now = answers.pop(0) if len(answers) > 1 else answers[0]
        if not now:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return [
            entry
            for address in now
            for entry in real(address, port, type=socket.SOCK_STREAM)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return known


def post(url, seconds=5.0):
    return destinations.post(
        url, body=b'{"a": 1}', headers={"X-Own": "1"}, seconds=seconds
    )


@pytest.mark.parametrize(
    ("address", "public"),
    [
        (PUBLIC, True),
        ("2606:4700::6810:85e5", True),
        (f"::ffff:{PUBLIC}", True),
        ("64:ff9b::5db8:d70e", True),  # PUBLIC, where there is no IPv4
        ("10.0.0.1", False),
        ("100.64.0.1", False),
        ("127.0.0.1", False),
        ("169.254.169.254", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("0.0.0.0", False),  # noqa: S104 - refused, not listened at
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("240.0.0.1", False),
        ("::1", False),
        ("::", False),
        ("::ffff:169.254.169.254", False),
        ("::ffff:127.0.0.1", False),
        ("::7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),  # 169.254.169.254
        ("2002:7f00:1::", False),
        ("2001:0:53aa:64c:0:fffe:80ff:fffe", False),
        ("fd00:ec2::254", False),
        ("fe80::1%eth0", False),
        ("fec0::1", False),
        ("ff02::1", False),
    ],
)
def test_is_public(address, public):
    assert destinations.is_public(ip_address(address)) is public


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://", "Begin the address with https://"),
        ("hooks.example.com", "Begin the address with https://"),
        ("ftp://hooks.example.com/", "Begin the address with https://"),
        ("http://hooks.example.com/", "Begin the address with https://"),
        ("https://me:pw@hooks.example.com/", "Leave out user, password"),
        ("https://hooks.example.com/#top", "Leave out user, password"),
        ("https://hooks.example.com:port/", "This is no address of the web"),
        ("https://[::1/", "This is no address of the web"),
        (f"https://{'x' * 64}.example.com/", "This is no address of the web"),
        ("https://169.254.169.254/latest/", "is not on the public internet"),
        ("https://2130706433/", "is not on the public internet"),
        ("https://0x7f.1/", "is not on the public internet"),
        ("https://[::ffff:10.0.0.1]/", "is not on the public internet"),
        ("https://gone.example.com/", "There is no host gone.example.com"),
        ("https://mixed.example.com/", "is not on the public internet"),
    ],
)
def test_check_on_a_stage_says_what_is_wrong(url, reason, names, settings):
    settings.WEBHOOKS_TO_LOOPBACK = False
    names["gone.example.com"] = [[]]
    names["mixed.example.com"] = [[PUBLIC, "10.0.0.1"]]

    with pytest.raises(DestinationRefused, match=reason):
        destinations.check(url)


def test_nobody_waits_for_a_name_that_nobody_answers_for(monkeypatch):
    """Its owner decides how long the resolver waits, and so would a request."""
    given_up = threading.Event()
    monkeypatch.setattr(destinations, "LOOK_UP_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *asked, **more: given_up.wait(9))
    began = time.monotonic()

    try:
        for ask in (destinations.check, post):
            with pytest.raises(DestinationRefused, match=r"Nobody says where slow\.ex"):
                ask("https://slow.example.com/")
    finally:
        given_up.set()

    assert time.monotonic() - began < 2


def test_check_takes_a_public_name(names, settings):
    settings.WEBHOOKS_TO_LOOPBACK = False
    names["xn--bcher-kva.example.com"] = [[PUBLIC, "2606:4700::6810:85e5"]]

    destinations.check("https://bücher.example.com/rechnungen/ä?b=ü")


def test_a_laptop_reaches_itself_and_no_neighbor(listener):
    destinations.check(listener.url)

    for neighbor in (
        "http://192.168.1.1/",
        "https://192.168.1.1/",
        f"http://{PUBLIC}/",
    ):
        with pytest.raises(DestinationRefused, match="is not on the public internet"):
            destinations.check(neighbor)


def test_post_says_what_was_answered(listener):
    listener.body = b"\xff" + b"x" * 5000
    listener.statuses = [418]

    answer = post(listener.url)

    [(path, headers, body)] = listener.heard
    assert (answer.status, answer.body) == (418, "�" + "x" * 1023)
    assert (path, body) == ("/hooks/?shop=1", b'{"a": 1}')
    assert (headers["Host"], headers["X-Own"]) == (f"127.0.0.1:{listener.port}", "1")


def test_post_follows_no_redirect(listener):
    listener.statuses, listener.headers = [302], {"Location": listener.url}

    answer = post(listener.url)

    assert (answer.status, len(listener.heard)) == (302, 1)


def test_a_name_that_changes_its_mind_reaches_nobody(listener, names, settings):
    """It was public when it was registered, and is our own machine now."""
    settings.WEBHOOKS_TO_LOOPBACK = False
    names["hooks.example.com"] = [[PUBLIC], ["127.0.0.1"]]
    url = f"https://hooks.example.com:{listener.port}/"
    destinations.check(url)

    with pytest.raises(DestinationRefused, match="is not on the public internet"):
        post(url)

    assert listener.heard == []


def test_post_connects_to_what_was_looked_at_and_to_nothing_else(listener, names):
    """Looked up a second time, the name would be that of a neighbor."""
    names["hooks.example.com"] = [["127.0.0.1"], ["192.168.1.1"]]

    answer = post(f"http://hooks.example.com:{listener.port}/")

    [(_, headers, _)] = listener.heard
    assert answer.status == 200
    assert headers["Host"] == f"hooks.example.com:{listener.port}"


def test_post_tries_the_next_address_where_one_is_deaf(listener, names):
    names["hooks.example.com"] = [["::1", "127.0.0.1"]]

    assert post(f"http://hooks.example.com:{listener.port}/").status == 200


def test_tls_asks_for_the_name_though_it_connects_to_an_address(
    names, tmp_path, monkeypatch
):
    write_certificates(tmp_path, "hooks.example.com")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    names["hooks.example.com"] = names["other.example.com"] = [["127.0.0.1"]]

    with listening(tmp_path) as listener:
        answer = post(f"https://hooks.example.com:{listener.port}/")
        with pytest.raises(NotReached, match="certificate is not trusted"):
            post(f"https://other.example.com:{listener.port}/")

    assert (answer.status, answer.body) == (200, "thanks")
    assert listener.names == ["hooks.example.com", "other.example.com"]


def test_post_waits_no_longer_than_it_was_told_to(listener):
    """Byte by byte, each well within a time-out of its own."""
    listener.pause, listener.body = 0.05, b"x" * 200
    began = time.monotonic()

    answer = post(listener.url, seconds=0.3)

    # Its status had come.
    assert (answer.status, answer.body) == (200, "")
    assert time.monotonic() - began < 2


def said_by(reply):
    """What `post` makes of a server that says this."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(NotReached) as caught:
            _exchange(server, port, reply)
    return str(caught.value)


def _exchange(server, port, reply):
    def serve():
        connection, _ = server.accept()
        with connection:
            connection.recv(1000)
            connection.sendall(reply)
            if not reply:
                time.sleep(0.5)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        post(f"http://127.0.0.1:{port}/", seconds=0.3)
    finally:
        thread.join()


def test_post_says_why_there_is_no_answer(listener):
    port = listener.port
    with socket.create_server(("127.0.0.1", 0)) as server:
        closed = server.getsockname()[1]

    assert said_by(b"SMTP ready\r\n") == "What it answered is not HTTP."
    assert said_by(b"") == "It did not answer in time."
    with pytest.raises(NotReached, match="It could not be reached: Connection refused"):
        post(f"http://127.0.0.1:{closed}/")
    with pytest.raises(NotReached, match="It could not be reached"):
        post(f"https://127.0.0.1:{port}/")
    with pytest.raises(NotReached, match="in time"):
        post(f"http://127.0.0.1:{port}/", seconds=0)
