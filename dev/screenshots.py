"""`python -m dev.screenshots` (`make screenshots`): the README's pictures, taken anew.

Starts the product as `make run` does, in a folder of its own and with the Stripe sandbox
whatever the settings say, plays a sale through in Chromium, and takes pictures on the way.
"""

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from subprocess import PIPE
from tempfile import TemporaryDirectory
from typing import Any, Literal

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from app.config import Settings
from app.core.money import amount_text
from app.demo.catalogue import ARTWORKS, BUYERS, SELLERS, DemoArtwork
from dev.processes import end, spawn

ROOT = Path(__file__).resolve().parent.parent
PICTURES = ROOT / "docs" / "pictures"
WIDTH = 1280
# Readers on a slow line wait for every one of them.
MAXIMUM_BYTES = 300_000
STOP_SECONDS = 30.0
LOOKED_AT, PAID, UNPAID = "Slow Weather", "The Far Bank, 11 p.m.", "Three Ferns"


class CannotTakePictures(RuntimeError):
    """Something is missing or did not come up; the text says what."""


@contextmanager
def running_product(folder: Path) -> Iterator[dict[str, Any]]:
    """Run everything in `folder`; yields the addresses and the demo's password."""
    own = {name.upper() for name in Settings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in own}
    # A file that is not there: the reader's own .env may hold real keys.
    environment["ENV_FILE"] = str(folder / "no.env")
    options = ("--port", "0", "--json", "--stop-with-parent")
    process = spawn(
        [sys.executable, "-m", "dev.run", "--instance", str(folder / "instance"), *options],
        env=environment,
        cwd=ROOT,
        stdout=PIPE,
    )
    try:
        line = process.stdout.readline() if process.stdout else b""
        if not line:
            raise CannotTakePictures("the product did not start; it says why above")
        yield json.loads(line)
    finally:
        end(process, signal.SIGTERM, STOP_SECONDS)


@dataclass(frozen=True)
class Visit:
    """Somebody's browser at the running product."""

    context: BrowserContext
    run: dict[str, Any]

    @property
    def page(self) -> Page:
        """The page that is open."""
        return self.context.pages[0]

    def go(self, path: str) -> None:
        """Open an address of the product and wait until everything on it is there."""
        self.page.goto(self.run["app"] + path, wait_until="networkidle")

    def log_in(self, email: str) -> None:
        """Sign in as somebody of the demo."""
        self.go("/login")
        self.page.fill("[name=email]", email)
        self.page.fill("[name=password]", self.run["password"])
        self.page.click("main button[type=submit]")
        self.page.wait_for_url(lambda url: not url.endswith("/login"))

    def open_artwork(self, title: str) -> None:
        """Find an artwork by its title and open its page."""
        self.go("/")
        self.page.fill("[name=q]", title)
        self.page.click("form.filters button[type=submit]")
        self.page.get_by_role("link", name=title).first.click()
        self.page.wait_for_url("**/artworks/*")
        self.page.wait_for_load_state("networkidle")

    def win(self, artwork: DemoArtwork) -> None:
        """Bid what the artwork's hidden minimum is; ends on the hosted payment page."""
        self.open_artwork(artwork.title)
        self.page.fill("[name=amount]", amount_text(artwork.threshold_cents))
        self.page.click("#bid-form button[type=submit]")
        self.page.click("#confirm-form button[type=submit]")
        self.page.wait_for_url(f"{self.run['sandbox']}/**")
        self.page.wait_for_load_state("networkidle")

    def take(self, file: str) -> None:
        """Write what the page shows into `docs/pictures`."""
        data, how = fitted(self.page.screenshot(animations="disabled"))
        PICTURES.mkdir(parents=True, exist_ok=True)
        (PICTURES / file).write_bytes(data)
        print(f"docs/pictures/{file}: {len(data) // 1000} kB{how}", flush=True)


@contextmanager
def visit(
    browser: Browser,
    run: dict[str, Any],
    *,
    height: int = 900,
    theme: Literal["light", "dark"] = "light",
) -> Iterator[Visit]:
    """Open a browser of its own, signed in as nobody."""
    size = ViewportSize(width=WIDTH, height=height)
    with browser.new_context(
        viewport=size,
        color_scheme=theme,
        locale="en-US",
        timezone_id="UTC",
        reduced_motion="reduce",
    ) as context:
        context.new_page()
        yield Visit(context, run)


def fitted(screenshot: bytes) -> tuple[bytes, str]:
    """Return a PNG that keeps to MAXIMUM_BYTES, and what had to be done to it, in words."""
    if len(screenshot) <= MAXIMUM_BYTES:
        return screenshot, ""
    image = Image.open(BytesIO(screenshot)).convert("RGB")
    reduced = BytesIO()
    image.quantize(256).save(reduced, "PNG", optimize=True)
    if reduced.tell() > MAXIMUM_BYTES:
        raise CannotTakePictures(f"a picture needs {reduced.tell()} bytes even with 256 colours")
    return reduced.getvalue(), ", reduced to 256 colours"


def artwork(title: str) -> DemoArtwork:
    """Return the demo's artwork of that title."""
    return next(each for each in ARTWORKS if each.title == title)


def take_pictures(browser: Browser, run: dict[str, Any]) -> None:
    """Play a sale through, and take every picture on the way."""
    for theme in ("light", "dark"):
        with visit(browser, run, theme=theme) as anybody:
            anybody.go("/")
            anybody.take(f"browse-{theme}.png")
    with visit(browser, run) as rival:
        rival.log_in(BUYERS[1].email)
        rival.win(artwork(UNPAID))
    with visit(browser, run) as buyer:
        buyer.log_in(BUYERS[0].email)
        buyer.open_artwork(LOOKED_AT)
        buyer.take("artwork.png")
        buyer.win(artwork(PAID))
        buyer.page.click("text=4242 4242 4242 4242")
        buyer.take("checkout.png")
        buyer.page.click("#pay")
        buyer.page.wait_for_url(f"{run['app']}/payments/**")
        buyer.page.get_by_role("heading", name="Paid", exact=True).wait_for()
    with visit(browser, run) as seller:
        seller.log_in(SELLERS[artwork(PAID).seller].email)
        seller.go("/seller")
        seller.take("seller.png")


def main() -> int:
    """Take all pictures; returns the exit status."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        print("make screenshots: Chromium is needed, and none is on PATH", file=sys.stderr)
        return 1
    try:
        with (
            TemporaryDirectory() as folder,
            running_product(Path(folder)) as run,
            sync_playwright() as playwright,
            # Chromium's own sandbox does not start for root; it opens nothing but this machine.
            playwright.chromium.launch(executable_path=program, args=["--no-sandbox"]) as browser,
        ):
            take_pictures(browser, run)
    except CannotTakePictures as problem:
        print(f"make screenshots: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
