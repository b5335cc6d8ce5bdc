"""
The site as a stranger meets it: over HTTP, by mail, and at Stripe's page.

The same story can be told of a development server and of the packaged function.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Any

import requests

from tests.stand_in import StandIn

Answer = dict[str, Any]


@dataclass
class Browser:
    """
    A browser without scripts; it keeps cookies and says where it comes from.

    :param site: where the site is; no slash at the end
    """

    site: str
    http: requests.Session = field(default_factory=requests.Session)
    text: str = ""
    address: str = ""

    def open(self, address: str) -> str:
        """
        The HTML of a page of the site, or of another one by its whole address.

        :raises requests.HTTPError: if it is not there
        """
        return self._follow("GET", self._absolute(address))

    def submit(self, *, action: str = "", **fields: str) -> str:
        """Send the form of the page that is open; the page that follows."""
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', self.text)
        if token:
            fields["csrfmiddlewaretoken"] = token[1]
        return self._follow("POST", self._absolute(action or self.address), fields)

    def download(self, address: str) -> bytes:
        response = self.http.get(self._absolute(address))
        response.raise_for_status()
        return response.content

    def _absolute(self, address: str) -> str:
        return address if "://" in address else self.site + address

    def _follow(
        self, method: str, address: str, fields: dict[str, str] | None = None
    ) -> str:
        headers = {"Referer": self.address} if self.address else {}
        response = self.http.request(method, address, data=fields, headers=headers)
        assert response.ok, f"{response.status_code} {address}\n{response.text}"
        self.address, self.text = response.url, response.text
        return response.text


@dataclass
class Script:
    """A program with a token of the API."""

    site: str
    token: str
    http: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: Answer | None = None) -> Any:
        response = self.http.request(
            method,
            f"{self.site}/api/v1/{path}",
            json=body,
            headers={"Authorization": f"Token {self.token}"},
        )
        assert response.ok, f"{response.status_code} {path}\n{response.text}"
        return response.json() if response.content else None


@dataclass
class Shop:
    """
    :param stripe: the stand-in that the site believes to be Stripe
    :param run_tasks: does what the worker, or the schedule, does
    :param mails: all mail that left the site, oldest first
    :param new_session: an HTTP client that reaches the site
    """

    site: str
    stripe: StandIn
    run_tasks: Callable[[], object]
    mails: Callable[[], Sequence[Message]]
    new_session: Callable[[], requests.Session] = requests.Session

    def browser(self) -> Browser:
        return Browser(self.site, self.new_session())

    def script(self, browser: Browser) -> Script:
        """A token for whoever is signed in."""
        response = browser.http.post(
            f"{self.site}/api/v1/tokens/",
            json={"name": "Journey"},
            headers={
                "X-CSRFToken": browser.http.cookies["csrftoken"],
                "Referer": f"{self.site}/",
            },
        )
        assert response.ok, response.text
        return Script(self.site, response.json()["token"], self.new_session())

    def mail(self, subject: str) -> str:
        """The text of the newest mail whose subject has these words."""
        for mail in reversed(self.mails()):
            if subject in str(mail["Subject"]):
                return "\n".join(
                    str(part.get_payload(decode=True), "utf-8")
                    for part in mail.walk()
                    if part.get_content_type() == "text/plain"
                )
        raise AssertionError([str(mail["Subject"]) for mail in self.mails()])
