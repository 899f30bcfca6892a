"""What must hold for every page, whatever it shows: looked at in one visit."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

import html5lib  # type: ignore[import-untyped]
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Request, Response, TimeoutError

from tests.journeys.catalogue import State
from tests.journeys.house import House
from tests.journeys.windows import Windows

KILOBYTE = 1024
WEIGHT, SCRIPT_WEIGHT = 150 * KILOBYTE, 60 * KILOBYTE
PHOTOGRAPHED = (("light", 1280), ("dark", 375))
FOLDER = os.environ.get("SCREENSHOTS")
XHTML = "{http://www.w3.org/1999/xhtml}"

AXE_RUN = """async (tags) => {
  const only = tags ? { type: "tag", values: tags } : { type: "rule", values: ["color-contrast"] };
  const { violations } = await axe.run({ runOnly: only, resultTypes: ["violations"] });
  const where = (one) => one.nodes.map((node) => node.html + " " + node.failureSummary);
  return violations.map((one) => `${one.id}: ${one.help}: ${where(one)}`);
}"""
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What was changed from outside, such as the width, counts from the next frame on.
NEXT_FRAMES = """async () => {
  for (const _ of "12") await new Promise((next) => requestAnimationFrame(next));
}"""
# What makes the page scroll sideways, and text that is cut off, with text of this size.
STICKS_OUT = """async (size) => {
  const nextFrames = NEXT_FRAMES;
  const root = document.documentElement;
  root.style.fontSize = size;
  await nextFrames();
  const found = [];
  if (root.scrollWidth > root.clientWidth) {
    found.push(...[...document.querySelectorAll("body *")]
      .filter((one) => one.getBoundingClientRect().right > root.clientWidth + 1)
      .map((one) => "sticks out: " + one.outerHTML.slice(0, 80)));
    if (!found.length) found.push("scrolls sideways");
  }
  for (const one of document.querySelectorAll("main *, header *, footer *")) {
    const { overflowX, overflowY, clip, clipPath } = getComputedStyle(one);
    if (clip !== "auto" || clipPath !== "none") continue;
    if (one.closest(".visually-hidden, [aria-hidden=true], .menu__name")) continue;
    const wide = ["hidden", "clip"].includes(overflowX) && one.scrollWidth > one.clientWidth + 1;
    const high = ["hidden", "clip"].includes(overflowY) && one.scrollHeight > one.clientHeight + 1;
    if ((wide || high) && one.innerText?.trim()) found.push("cut off: " + one.outerHTML);
  }
  root.style.fontSize = "";
  return found;
}""".replace("NEXT_FRAMES", NEXT_FRAMES)
# Words that lie outside of the cell or card that they belong to, or push others out of the window.
PUSHED_OUT = """() => {
  const root = document.documentElement;
  const found = root.scrollWidth > root.clientWidth ? ["the page scrolls sideways"] : [];
  for (const one of document.querySelectorAll(".table-wrap")) {
    // Between the two sizes that they are made for, tables may scroll in their own place.
    if (innerWidth === 768 || one.scrollWidth <= one.clientWidth + 1) continue;
    found.push("scrolls sideways: " + one.ariaLabel);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    const owner = text.parentElement;
    const outer = owner.closest("td, li, .page-head, .panel, .facts dd, main");
    if (!text.data.trim() || !outer || !owner.checkVisibility()) continue;
    if (owner.closest(".visually-hidden, thead, pre, textarea")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const inner = range.getBoundingClientRect();
    const { left, right } = outer.getBoundingClientRect();
    const within = inner.left >= left - 1 && inner.right <= right + 1;
    if (!within) found.push("outside: " + text.data.trim());
  }
  return found;
}"""
MOVES = """() => [
  ...document.getAnimations().filter((one) => one.effect?.getTiming().duration > 1)
    .map((one) => "an animation runs: " + one.effect.target?.outerHTML.slice(0, 80)),
  ...[...document.querySelectorAll("body *")]
    .filter((one) => /[1-9]/.test(getComputedStyle(one).transitionDuration))
    .map((one) => "moves: " + one.outerHTML.slice(0, 80)),
]"""
# With colours taken away, what can be used is still told apart by a line.
WITHOUT_COLOURS = """() => [...document.querySelectorAll("main .btn, main .input, main select")]
  .filter((one) => one.checkVisibility())
  .filter((one) => parseFloat(getComputedStyle(one).borderTopWidth) < 1)
  .map((one) => "no border in forced colours: " + one.outerHTML.slice(0, 80))"""
# What there is to read and to use: the same with and without JavaScript.
THERE = """() => [...document.querySelectorAll(
    "h1, h2, h3, input, select, textarea, button, main a[href]")]
  .filter((one) => one.type !== "hidden")
  .filter((one) => !one.closest("[data-print], .toasts, [data-live-badge]"))
  .filter((one) => one.closest("details:not([open])") || one.checkVisibility())
  .map((one) => `${one.localName} ${one.name ?? ""} ${one.getAttribute("href") ?? ""} ${
     /^h/.test(one.localName) ? one.textContent.trim() : ""}`.trim())"""


# The largest thing that was painted, and how far things moved without anybody asking for it.
OBSERVE = """
window.seen = { shown: 0, shift: 0 };
const observe = (type, note) => new PerformanceObserver((list) => list.getEntries().forEach(note))
  .observe({ type, buffered: true });
observe("largest-contentful-paint", (one) => (seen.shown = one.startTime));
observe("layout-shift", (one) => { if (!one.hadRecentInput) seen.shift += one.value; });
"""


@dataclass(frozen=True)
class Timing:
    """When the largest part of a page was to be seen, and how far it shifted."""

    shown_ms: float
    shift: float


class Looker:
    """One browser for all visits, with and without JavaScript."""

    def __init__(self, house: House, browser: Browser) -> None:
        self.house = house
        self.windows = Windows(browser)
        self.page = self.windows.open(house, viewport={"width": 1280, "height": 900})
        self.plain = self.windows.open(house, java_script_enabled=False)
        self.weights: dict[str, tuple[int, int]] = {}
        self._titles: dict[str, str] = {}
        self._answers: list[Response] = []
        self._requests: list[Request] = []
        # Every visit is a first one: nothing comes from the browser's cache.
        cdp = self.page.context.new_cdp_session(self.page)
        cdp.send("Network.enable")
        cdp.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.page.on("response", self._answered)
        self.page.on("requestfinished", lambda one: self._requests.append(one))

    def close(self) -> None:
        """Close the browser's windows."""
        self.windows.close()

    def look(self, state: State) -> list[str]:
        """Visit a page in one of its states; what is wrong with it, in words."""
        self.windows.expected_statuses = {state.status} if state.status >= 400 else set()
        with self._stripe(state), self._there(state) as found:
            found += self._visit(state, self._path(state))
        return found

    def time(self, state: State, width: int) -> Timing:
        """Open a page in a new window, with the processor four times slower."""
        self.house.show(state.scene)
        size = {"width": width, "height": 900}
        page = self.windows.open(self.house, viewport=size, reduced_motion="reduce")
        page.context.add_cookies(self.house.cookies(state.who))
        page.add_init_script(OBSERVE)
        cdp = page.context.new_cdp_session(page)
        cdp.send("Emulation.setCPUThrottlingRate", {"rate": 4})
        page.goto(self._path(state), wait_until="networkidle")
        page.evaluate(NEXT_FRAMES)
        seen = page.evaluate("seen")
        page.context.close()
        return Timing(seen["shown"], seen["shift"])

    def pushed_out(self, state: State) -> list[str]:
        """Open a page at several widths; what its longest words did to it."""
        page, path = self.page, self._path(state)
        with self._there(state) as found:
            for width in (1280, 768, 375, 320):
                page.set_viewport_size({"width": width, "height": 900})
                page.goto(path)
                if state.do is not None:
                    state.do(page)
                page.locator("main", has_text=state.tells).wait_for()
                page.evaluate(NEXT_FRAMES)
                found += [f"at {width}: {one}" for one in page.evaluate(PUSHED_OUT)]
                if FOLDER:
                    file = f"{state.name}-{width}.png".replace(" ", "_").replace("/", ".")
                    page.screenshot(path=Path(FOLDER) / file, full_page=True)
        return found

    @contextmanager
    def _there(self, state: State) -> Iterator[list[str]]:
        """Somebody is in the scene, and goes again; the faults of their visit are added."""
        self.house.show(state.scene)
        pages, found = (self.page, self.plain), list[str]()
        for page in pages:
            page.context.clear_cookies()
            page.context.add_cookies(self.house.cookies(state.who))
        try:
            yield found
        finally:
            # What an open page still asks for, and is told, would fall to whoever comes next.
            for page in pages:
                page.goto("about:blank")
            found += self.windows.faults
            self.windows.faults.clear()

    def _visit(self, state: State, path: str) -> Iterator[str]:
        page = self.page
        page.set_viewport_size({"width": 1280, "height": 900})
        page.emulate_media(color_scheme="light", reduced_motion=None, forced_colors="none")
        self._requests.clear()
        page.goto(path)
        if state.do is None:
            yield from self._weigh(state.name)
            yield from self._without_javascript(path)
        else:
            self.house.touched()
            self._answers.clear()
            if page.locator("main", has_text=state.tells).count():
                yield f"says {state.tells!r} before anything was done"
            state.do(page)
        try:
            page.locator("main", has_text=state.tells).wait_for(timeout=8_000)
        except TimeoutError:
            yield f"does not say {state.tells!r}: {page.locator('main').inner_text()[:500]}"
        answer = self._answers[-1]
        if answer.status != state.status:
            yield f"answered {answer.status}"
        yield from self._markup(answer)
        yield from self._access(state.name)

    def _access(self, name: str) -> Iterator[str]:
        page = self.page
        page.evaluate(AXE_SCRIPT)
        yield from page.evaluate(AXE_RUN, TAGS)
        self._photograph(name, "light", 1280)
        yield from page.evaluate(STICKS_OUT, "200%")
        for width in (640, 320):
            page.set_viewport_size({"width": width, "height": 900})
            yield from (f"at {width}: {one}" for one in page.evaluate(STICKS_OUT, ""))
        page.emulate_media(color_scheme="dark", reduced_motion="reduce")
        page.evaluate(NEXT_FRAMES)
        yield from page.evaluate(MOVES)
        yield from (f"dark: {one}" for one in page.evaluate(AXE_RUN, None))
        self._photograph(name, "dark", 375)
        page.emulate_media(forced_colors="active")
        yield from page.evaluate(WITHOUT_COLOURS)

    def _markup(self, answer: Response) -> Iterator[str]:
        parser = html5lib.HTMLParser(strict=False)
        document = parser.parse(answer.text())
        yield from (f"HTML: {error} at {where}" for where, error, _ in parser.errors)
        elements = list(document.iter())
        ids = Counter(one.get("id") for one in elements if one.get("id"))
        yield from (
            f"id {one} stands there {count} times" for one, count in ids.items() if count > 1
        )
        for one in elements:
            named = f"{one.get('aria-labelledby', '')} {one.get('aria-describedby', '')}"
            target = one.get("for") or ""
            yield from (
                f"there is no #{each}" for each in f"{named} {target}".split() if each not in ids
            )
        # The summary of what is wrong comes before everything, and so before the page's heading.
        levels = [
            int(one.tag[-1])
            for one in elements
            if re.fullmatch(rf"{XHTML}h[1-6]", str(one.tag))
            and one.get("id") != "error-summary-title"
        ]
        if levels.count(1) != 1 or levels[0] != 1:
            yield f"the headings are {levels}"
        if any(below > above + 1 for above, below in pairwise(levels)):
            yield f"a level of headings is left out: {levels}"
        root = next(one for one in elements if one.tag == f"{XHTML}html")
        title = "".join(one.text or "" for one in elements if one.tag == f"{XHTML}title").strip()
        if root.get("lang") != "en" or not title:
            yield f"language {root.get('lang')}, title {title!r}"
        if answer.request.method == "GET" and answer.ok:
            yield from self._own_title(title, urlsplit(answer.url).path)

    def _own_title(self, title: str, path: str) -> Iterator[str]:
        """Two pages never have the same title; a payment is one page wherever one comes from."""
        page = self._titles.setdefault(title, path.removesuffix("/return"))
        if page != path.removesuffix("/return"):
            yield f"{title!r} is the title of {page} too"

    def _weigh(self, name: str) -> Iterator[str]:
        """The size on the wire of a first visit, without pictures."""
        all_of_it = scripts = 0
        self.page.wait_for_load_state("load")
        for request in self._requests:
            if request.resource_type in {"image", "media", "fetch"}:
                continue
            sizes = request.sizes()
            size = sizes["responseBodySize"] + sizes["responseHeadersSize"]
            all_of_it += size
            scripts += size if request.resource_type == "script" else 0
        self.weights[name] = (all_of_it, scripts)
        if all_of_it > WEIGHT or scripts > SCRIPT_WEIGHT:
            yield f"weighs {all_of_it} bytes, {scripts} of them scripts"

    def _without_javascript(self, path: str) -> Iterator[str]:
        self.plain.goto(path)
        here, there = (Counter(page.evaluate(THERE)) for page in (self.page, self.plain))
        if here != there:
            yield f"only with JavaScript {here - there}, only without {there - here}"

    def _answered(self, response: Response) -> None:
        if response.request.is_navigation_request() and response.frame == self.page.main_frame:
            self._answers.append(response)

    def _photograph(self, name: str, theme: str, width: int) -> None:
        if FOLDER:
            self.page.set_viewport_size({"width": width, "height": 900})
            file = Path(FOLDER) / f"{name}-{theme}-{width}.png".replace(" ", "_")
            self.page.screenshot(path=file, full_page=True)

    def _path(self, state: State) -> str:
        return re.sub(r"\{(.+?)\}", lambda found: str(self.house.numbers[found[1]]), state.path)

    @contextmanager
    def _stripe(self, state: State) -> Iterator[None]:
        market = self.house.market()
        if state.stripe_is_away:
            market.fail_all()
        try:
            yield
        finally:
            if state.stripe_is_away:
                market.come_back()
                self.house.touched()
