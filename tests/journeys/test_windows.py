"""The windows of the other tests see what they are there to see."""

from __future__ import annotations

from tests.journeys.shop import Shop
from tests.journeys.windows import Windows

INLINE_SCRIPT = """
const script = document.createElement("script");
script.textContent = "document.title = 'taken over'";
document.body.append(script);
"""


def test_errors_inline_scripts_and_requests_to_strangers_are_noted(
    shop: Shop, windows: Windows
) -> None:
    page = windows.open(shop, bypass_csp=True)
    page.goto("/help")
    page.evaluate("setTimeout(() => { throw new Error('a mistake') })")
    page.evaluate("console.error('another')")
    page.evaluate("fetch('http://stranger.example/').catch(() => {})")
    guarded = windows.open(shop)
    guarded.goto("/help")
    guarded.evaluate(INLINE_SCRIPT)
    assert guarded.title() != "taken over"
    guarded.goto("/nowhere")
    windows.close()
    noted, windows.faults = "\n".join(windows.faults), []
    for expected in ("a mistake", "another", "stranger.example", "Content Security Policy", "404"):
        assert expected in noted
