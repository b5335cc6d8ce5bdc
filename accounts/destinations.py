"""
Where webhooks may go: to addresses of the public internet, and nowhere else.

A business names the address, and our functions stand where its own do not: beside a
database, and beside an address that hands out keys to the account. So a name is resolved
once, every address that it has is looked at, and the connection is made to one of those
and to no other, however the name is resolved a moment later.
"""

import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from threading import Thread
from typing import Any, Final
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.encoding import iri_to_uri, punycode

from accounts.exceptions import DestinationRefused, NotReached

LOOK_UP_SECONDS: Final = 3.0
CONNECT_SECONDS: Final = 3.0
# Of an answer, in bytes.
KEPT: Final = 1024
# What is in use of IPv6, and where networks without IPv4 put an IPv4 address.
IN_USE: Final = IPv6Network("2000::/3")
TRANSLATED: Final = IPv6Network("64:ff9b::/96")


@dataclass(frozen=True)
class Place:
    """An address of the web, taken apart."""

    host: str
    port: int
    target: str
    is_secure: bool


@dataclass(frozen=True)
class Answer:
    """The status, and the beginning of the rest."""

    status: int
    body: str


def check_form(url: str) -> None:
    """:raises DestinationRefused: if it is no address that anything may be sent to"""
    _place(url)


def check(url: str) -> None:
    """
    As `check_form`, and its name is looked up. Call it outside a transaction.

    :raises DestinationRefused: if nothing may be sent there
    """
    _addresses(_place(url))


def post(
    url: str, *, body: bytes, headers: Mapping[str, str], seconds: float
) -> Answer:
    """
    Send it, and wait no longer than that for the answer. Redirects are not followed.

    :raises DestinationRefused: if nothing may be sent there
    :raises NotReached: if there was no answer
    """
    ends = time.monotonic() + seconds
    place = _place(url)
    connection = _Connection(place, _addresses(place), ends)
    try:
        connection.request("POST", place.target, body=body, headers=dict(headers))
        return _answer(connection.getresponse())
    except (OSError, http.client.HTTPException) as error:
        raise NotReached(_sentence(error)) from error
    finally:
        connection.end()


def _answer(response: http.client.HTTPResponse) -> Answer:
    try:
        body = response.read(KEPT)
    except (OSError, http.client.HTTPException):
        # Its status says what became of it.
        body = b""
    return Answer(response.status, body.decode(errors="replace"))


def _sentence(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "It did not answer in time."
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"Its certificate is not trusted: {error.verify_message}."
    if isinstance(error, OSError):
        return f"It could not be reached: {error.strerror or 'the connection broke'}."
    return "What it answered is not HTTP."


def _place(url: str) -> Place:
    try:
        parts = urlsplit(url)
        host, port = punycode(parts.hostname or ""), parts.port
    except ValueError as error:
        raise DestinationRefused(
            "This is no address of the web; write one such as "
            "https://hooks.example.com/invoices."
        ) from error
    _check_form(parts)
    is_secure = parts.scheme == "https"
    path = parts.path or "/"
    target = iri_to_uri(f"{path}?{parts.query}" if parts.query else path)
    return Place(host, port or (443 if is_secure else 80), target, is_secure)


def _check_form(parts: SplitResult) -> None:
    allowed = {"https", "http"} if settings.WEBHOOKS_TO_LOOPBACK else {"https"}
    if parts.scheme not in allowed or not parts.hostname:
        raise DestinationRefused(
            "Begin the address with https:// and a host: what is sent there is nobody "
            "else's to read."
        )
    if "@" in parts.netloc or parts.fragment:
        raise DestinationRefused(
            "Leave out user, password and what follows a #: whoever listens checks the "
            "signature instead."
        )


def _addresses(place: Place) -> list[tuple[Any, Any]]:
    """Each with its family, as sockets take them."""
    try:
        found = _look_up(place)
    except TimeoutError as error:
        raise DestinationRefused(
            f"Nobody says where {place.host} is. Try again in a moment, or look at who "
            "answers for its name."
        ) from error
    except (OSError, ValueError) as error:
        raise DestinationRefused(
            f"There is no host {place.host}. Look whether it is spelled right."
        ) from error
    for *_, address in found:
        if not _may_be_asked(ip_address(address[0]), is_secure=place.is_secure):
            raise DestinationRefused(
                f"{place.host} is not on the public internet. Give an address that "
                "anybody could reach."
            )
    return [(family, address) for family, *_, address in found]


def _look_up(place: Place) -> list[Any]:
    """
    What the system's resolver says of a name.

    It has no time-out of ours, and the servers that it asks are the name's owner's. So a
    thread waits for it, and we for the thread. One left behind has nothing of ours, nor
    keeps a process from ending: it ends when the resolver gives up, half a minute later
    at most, or on Lambda after the next thaw.

    :raises TimeoutError: if it takes longer than `LOOK_UP_SECONDS`
    """
    found: Future[list[Any]] = Future()

    def ask() -> None:
        try:
            found.set_result(
                socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
            )
        except Exception as error:
            found.set_exception(error)

    Thread(target=ask, daemon=True).start()
    return found.result(LOOK_UP_SECONDS)


def _may_be_asked(address: IPv4Address | IPv6Address, *, is_secure: bool) -> bool:
    if settings.WEBHOOKS_TO_LOOPBACK and address.is_loopback:
        return True
    return is_secure and is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether it is anybody's to ask, whatever notation it hides in."""
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast
    if address.ipv4_mapped:
        return is_public(address.ipv4_mapped)
    if address in TRANSLATED:
        return is_public(IPv4Address(int(address) & 0xFFFF_FFFF))
    return address in IN_USE and address.is_global


class _Connection(http.client.HTTPConnection):
    """To one of the addresses given. The name is for the certificate and the Host."""

    def __init__(
        self, place: Place, addresses: list[tuple[Any, Any]], ends: float
    ) -> None:
        super().__init__(place.host, place.port)
        self.default_port = 443 if place.is_secure else 80
        self.is_secure = place.is_secure
        self.addresses = addresses
        self.ends = ends
        self.opened: list[socket.socket] = []

    def connect(self) -> None:
        sock = self._open()
        if self.is_secure:
            sock.settimeout(_left(self.ends))
            context = ssl.create_default_context()
            sock = context.wrap_socket(sock, server_hostname=self.host)
            self.opened.append(sock)
        self.sock: Any = _Wire(sock, self.ends)

    def end(self) -> None:
        for sock in self.opened:
            sock.close()

    def _open(self) -> socket.socket:
        refusal: OSError = TimeoutError()
        for family, address in self.addresses:
            sock = socket.socket(family, socket.SOCK_STREAM)
            self.opened.append(sock)
            sock.settimeout(min(CONNECT_SECONDS, _left(self.ends)))
            try:
                sock.connect(address)
            except OSError as error:
                refusal = error
            else:
                return sock
        raise refusal


class _Wire:
    """
    A socket as `http.client` uses it, all of whose reads end by one moment.

    A socket's own time-out begins anew with every byte, and whoever sends one at a time
    would keep us for ever.
    """

    def __init__(self, sock: socket.socket, ends: float) -> None:
        self.sock = sock
        self.ends = ends

    def sendall(self, data: bytes) -> None:
        self.sock.settimeout(_left(self.ends))
        self.sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Reading(self.sock, self.ends))

    def close(self) -> None:
        """Nothing yet: what was answered is still being read."""


class _Reading(io.RawIOBase):
    def __init__(self, sock: socket.socket, ends: float) -> None:
        self.sock = sock
        self.ends = ends

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self.sock.settimeout(_left(self.ends))
        return self.sock.recv_into(buffer)


def _left(ends: float) -> float:
    """:raises TimeoutError: if it is over"""
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left
