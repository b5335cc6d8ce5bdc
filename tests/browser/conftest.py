"""The distribution's Chromium, driven by Playwright."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page, sync_playwright

from config.management.commands.load_demo import EMAIL, PASSWORD
from tests.journeys.shop import Shop

# Playwright's loop runs in the test's own thread, and Django would refuse it the ORM.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"

SCREENSHOTS = Path(settings.BASE_DIR) / "build" / "screenshots"
LINE = "Wayfinding for two floors"
SIZES = {
    "desktop": {"width": 1440, "height": 1000},
    "phone": {"width": 390, "height": 844},
}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "No Chromium: `make test` installs it."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--disable-background-networking", "--disable-gpu"],
        )
        yield browser
        browser.close()


class Person:
    """
    Somebody at a browser. What their pages complain about ends up in `complaints`.

    :param name: of the folder with their screenshots
    """

    def __init__(
        self,
        browser: Browser,
        shop: Shop,
        name: str,
        size: Literal["desktop", "phone"],
        scheme: Literal["light", "dark"],
    ) -> None:
        self._folder = SCREENSHOTS / f"{name}-{size}-{scheme}"
        self.complaints: list[str] = []
        self.page: Page = browser.new_context(
            base_url=shop.site,
            color_scheme=scheme,
            locale="en-GB",
            viewport=SIZES[size],
        ).new_page()
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on(
            "console",
            lambda message: (
                self.complaints.append(f"{self.page.url}: {message.text}")
                if message.type == "error"
                else None
            ),
        )

    def sign_in(self) -> None:
        """As the demo's owner; ends at the back office."""
        self.page.goto("/admin/")
        self.page.get_by_label("Email").fill(EMAIL)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.page.get_by_role("button", name="Sign in", exact=True).click()
        self.page.wait_for_url("**/admin/")

    def choose_customer(self, name: str) -> None:
        self.page.locator("#select2-id_customer-container").click()
        self.page.get_by_role("option", name=name).click()

    def write_a_line(self) -> None:
        """Into the form of a new invoice: with its tax it comes to 714.00."""
        self.page.locator("[name=lines-0-description]").fill(LINE)
        self.page.locator("[name=lines-0-quantity]").fill("2.5")
        self.page.locator("[name=lines-0-unit_price]").fill("240")
        self.page.locator("[name=lines-0-tax_rate]").select_option(label="VAT 19 %")

    def choose(self, action: str) -> None:
        """One of the buttons at the head of a row's page."""
        # Its name begins with that of its icon.
        link = self.page.get_by_role("link", name=re.compile(rf"\b{action}$"))
        if not link.is_visible():
            # Behind three dots; on a phone all of them are.
            self.page.get_by_text("more_horiz", exact=True).locator(
                "visible=true"
            ).click()
        link.click()

    def photograph(self, name: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=self._folder / f"{name}.png", full_page=True)

    def scrolls_sideways(self) -> bool:
        return bool(
            self.page.evaluate(
                "document.documentElement.scrollWidth > window.innerWidth + 1"
            )
        )
