"""Somebody at a keyboard, without a mouse: Tab, Enter, Space, arrows, and eyes for the focus."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import FileChooser, Page, expect

# Where the focus is, and how it is shown: an outline, or a border or a shadow that changes with it.
FOCUS = """() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  const shown = [one, one.closest(".affix"), one.closest(".choice"), one.nextElementSibling]
    .filter(Boolean)
    .flatMap((each) => [getComputedStyle(each), getComputedStyle(each, "::after")]);
  const ring = Math.max(0, ...shown.map((style) =>
    style.outlineStyle === "none" ? 0 : parseFloat(style.outlineWidth)));
  const { top, bottom, left, right, width, height } = one.getBoundingClientRect();
  const inView = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  return {
    ring, inView, area: width * height,
    words: (one.labels?.[0] ?? one).textContent.trim().replace(/\\s+/g, " "),
    name: one.name ?? "", value: one.value ?? "", type: one.type ?? one.localName,
    html: one.outerHTML.slice(0, 100),
  };
}"""
STOPS = 90
# How often Enter is pressed on a file field, and how many tenths of a second each time is waited.
DIALOG_TRIES = 5
DIALOG_LOOKS = 40


@dataclass
class Keyboard:
    """Moves through a page by Tab; every stop has to be seen."""

    page: Page

    def to(self, words: str = "", *, name: str = "", value: str = "") -> None:
        """Go on by Tab until the focus is on what says these words, or is named so."""
        seen = []
        for _ in range(STOPS):
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(FOCUS)
            if stop is None:
                continue
            assert stop["ring"] >= 2, f"the focus is not to be seen on {stop['html']}"
            assert stop["inView"], f"the focus is out of sight on {stop['html']}"
            seen.append(stop["words"] or stop["name"])
            named = name and stop["name"] == name and stop["value"].startswith(value)
            if named or (words and stop["words"].startswith(words)):
                return
        raise AssertionError(f"no way by Tab to {words or name}: {seen}")

    def press(self, words: str, *, key: str = "Enter") -> None:
        """Go to a link or button and use it."""
        self.to(words)
        self.page.keyboard.press(key)

    def fill(self, **fields: str) -> None:
        """Go to these fields, in their order on the page, and type."""
        for name, text in fields.items():
            self.to(name=name)
            self.page.keyboard.type(text)

    def choose_file(self, name: str, file: Path) -> None:
        """Go to a file field, open its dialog and choose."""
        opened: list[FileChooser] = []
        # Whoever begins to listen as the key is pressed may be too late on a busy machine.
        self.page.on("filechooser", lambda dialog: opened.append(dialog))
        self.to(name=name)
        for waited in range(DIALOG_TRIES * DIALOG_LOOKS):
            if waited % DIALOG_LOOKS == 0:
                self.page.keyboard.press("Enter")
            self.page.wait_for_timeout(100)
            if opened:
                opened[0].set_files(file)
                return
        raise AssertionError(f"Enter opens no dialog on {name}")

    def open(self, path: str) -> None:
        """Type an address."""
        self.page.goto(path)

    def skip(self) -> None:
        """The first stop of a page leads over its navigation to the content."""
        self.page.keyboard.press("Tab")
        stop = self.page.evaluate(FOCUS)
        assert stop["words"] == "Skip to the content"
        assert stop["inView"]
        self.page.keyboard.press("Enter")
        expect(self.page.locator("main")).to_be_focused()

    def round(self) -> int:
        """Go through the whole page by Tab, out at its end; how many stops there were."""
        for stops in range(STOPS * 3):
            self.page.keyboard.press("Tab")
            stop = self.page.evaluate(FOCUS)
            if stop is None:
                return stops
            assert stop["ring"] >= 2, f"the focus is not to be seen on {stop['html']}"
        raise AssertionError(f"Tab never leaves the page: {self.page.url}")
