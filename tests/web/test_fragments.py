"""Fragments that are rendered once: the same for the same values, and nobody's own in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, get_template_attribute, render_template_string
from flask_wtf.csrf import generate_csrf
from jinja2 import nodes
from markupsafe import Markup

from app.artworks.queries import artwork
from app.web import fragments
from app.web.fragments import kept
from tests.people import Browser, TestPerson

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# What differs from one request to the next.
NOBODYS_BUSINESS = {
    "config", "csrf_token", "current_user", "g", "get_flashed_messages", "now", "request",
    "script_nonce", "session",
}  # fmt: skip


def macro(app: Flask, source: str) -> Callable[..., Markup]:
    """The macro `m` of a template."""
    module: Any = app.jinja_env.from_string(source).module
    found: Callable[..., Markup] = module.m
    return found


@pytest.fixture
def _a_request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


@pytest.fixture
def ran(app: Flask) -> Iterator[list[int]]:
    """One for each time that a macro called `ran()`."""
    times: list[int] = []
    app.jinja_env.globals["ran"] = lambda: times.append(1) or ""
    yield times
    del app.jinja_env.globals["ran"]


in_a_request = pytest.mark.usefixtures("_a_request")


@in_a_request
def test_a_macro_runs_once_for_the_same_values(app: Flask, ran: list[int]) -> None:
    m = macro(app, "{% macro m(a, b) %}{{ ran() }}{{ a }}-{{ b }}{% endmacro %}")
    assert [kept(m, "<x>", 1), kept(m, "<x>", 1)] == ["&lt;x&gt;-1"] * 2
    assert len(ran) == 1
    assert kept(m, "<x>", True) == "&lt;x&gt;-True"
    assert kept(m, "<x>", 2) == "&lt;x&gt;-2"
    assert len(ran) == 3


@in_a_request
def test_gaps_are_filled_each_time_and_escaped(app: Flask) -> None:
    m = macro(app, '{% macro m(title, token) %}<b a="{{ token }}">{{ title }}</b>{{ token }}'
                   "{% endmacro %}")  # fmt: skip
    assert kept(m, "T", token="one") == '<b a="one">T</b>one'
    assert kept(m, "T", token='"><i>') == '<b a="&#34;&gt;&lt;i&gt;">T</b>&#34;&gt;&lt;i&gt;'
    assert isinstance(kept(m, "T", token=""), Markup)


@in_a_request
def test_no_value_can_make_a_gap(app: Flask) -> None:
    m = macro(app, "{% macro m(title, token) %}{{ title }}|{{ token }}{% endmacro %}")
    shown = [kept(m, title, token="secret") for title in ("token", "\ue000token\ue000", "\0")]
    assert [text.count("secret") for text in shown] == [1, 1, 1]


@in_a_request
@pytest.mark.parametrize("value", [Markup("<b>"), 1.5, ["a"], {"a": 1}, object(), ("a", (1.5,))])
def test_what_is_not_plain_is_refused(app: Flask, value: Any) -> None:
    m = macro(app, "{% macro m(a) %}{{ a }}{% endmacro %}")
    with pytest.raises(TypeError):
        kept(m, value)


@in_a_request
def test_an_artwork_with_its_threshold_is_refused(
    app: Flask, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    m = macro(app, "{% macro m(a) %}{{ a.title }}{% endmacro %}")
    with pytest.raises(TypeError, match="ArtworkView"):
        kept(m, artwork(make_artwork(seller)))


@in_a_request
def test_markup_does_not_stand_for_the_same_text(app: Flask) -> None:
    m = macro(app, "{% macro m(a) %}{{ a }}{% endmacro %}")
    assert kept(m, "<b>") == "&lt;b&gt;"
    with pytest.raises(TypeError):
        kept(m, Markup("<b>"))


@in_a_request
def test_a_fragment_with_a_visitors_token_in_it_is_refused(app: Flask) -> None:
    generate_csrf()
    m = macro(app, "{% macro m() %}{{ csrf_token() }}{% endmacro %}")
    with pytest.raises(ValueError, match="csrf_token"):
        kept(m)


@in_a_request
def test_addresses_begin_with_what_the_server_put_before_them(app: Flask) -> None:
    m = macro(app, '{% macro m() %}{{ url_for("web.help_page") }}{% endmacro %}')
    assert kept(m) == "/help"
    with app.test_request_context("/", environ_overrides={"SCRIPT_NAME": "/art"}):
        assert kept(m) == "/art/help"
        written = render_template_string('{{ url_for("web.help_page") }}')
    assert written == "/art/help"


def test_the_filters_lead_to_where_the_server_put_the_page(client: Browser) -> None:
    for root in ("", "/art", ""):
        page = client.get("/", environ_overrides={"SCRIPT_NAME": root})
        assert f'action="{root}/"' in page.text


def test_a_query_that_a_visitor_made_up_is_not_kept(app: Flask) -> None:
    pages, kept_before = [], fragments._pieces.cache_info().currsize
    for query in ("", "q=tea", "x=%22%3E%3Ci%3E&page=1&q=a%26b"):
        with app.test_request_context(f"/?{query}"):
            pagination = get_template_attribute("components/navigation.html", "pagination")
            pages.append(str(pagination(1, 7, 7_007, "things")))
    assert 'href="?page=2"' in pages[0]
    assert 'href="?q=tea&amp;page=2"' in pages[1]
    assert 'href="?x=%22%3E%3Ci%3E&amp;q=a%26b&amp;page=2"' in pages[2]
    assert fragments._pieces.cache_info().currsize <= kept_before + 1


@in_a_request
@pytest.mark.parametrize(
    ("page", "says"), [(1, "1–7 of 15 things"), (3, "15–15 of 15 things"), (4, ""), (99, "")]
)
def test_past_the_end_of_a_list_no_pages_are_counted(page: int, says: str) -> None:
    pagination = get_template_attribute("components/navigation.html", "pagination")
    written = str(pagination(page, 7, 15, "things"))
    assert says in written if says else not written


def test_nothing_of_anybodys_own_is_kept(
    app: Flask,
    make_person: Callable[..., TestPerson],
    make_artwork: Callable[..., int],
    admin: TestPerson,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seller = make_person("SELLER", "Sella Ownname", email="sella.own@example.com")
    buyer = make_person("BUYER", "Bea Ownname", email="bea.own@example.com")
    mine = make_artwork(seller, 7_654_321, highest_bid_cents=500, bid_count=1)
    seen: list[str] = []
    pieces = fragments._pieces.__wrapped__

    def note(*given: Any) -> Any:
        made = pieces(*given)
        seen.append(repr((given[2:], made)))
        return made

    monkeypatch.setattr(fragments, "_pieces", note)
    shown = ""
    for person in (seller, buyer, admin):
        for path in ("/", "/me/favourites", f"/artworks/{mine}", f"/?seller_id={seller.id}"):
            answer = person.browser.get(path)
            assert answer.status_code == 200
            shown += answer.text
    assert "76,543.21" in shown
    assert "sella.own@example.com" in shown
    everything = "".join(seen)
    assert "artwork-title" in everything
    tokens = set(re.findall(r'name="csrf_token" value="([^"]+)"', shown))
    nonces = set(re.findall(r'nonce="([^"]+)"', shown))
    assert tokens
    assert nonces
    # The seller's name stands on the artwork, for everybody.
    own = {"76,543.21", "7654321", "sella.own@example.com", "bea.own@example.com", "Bea Ownname"}
    assert [text for text in own | tokens | nonces if text in everything] == []


class Reader:
    """Finds what the macros given to `kept` refer to, through all macros that they call."""

    def __init__(self, app: Flask) -> None:
        self._parse = app.jinja_env.parse
        self._trees: dict[str, nodes.Template] = {}

    def tree(self, name: str) -> nodes.Template:
        """A template's syntax."""
        if name not in self._trees:
            self._trees[name] = self._parse((TEMPLATES / name).read_text())
        return self._trees[name]

    def imported(self, name: str) -> dict[str, tuple[str, str]]:
        """Where a template's macros come from: (template, macro) by the name used here."""
        found = {}
        for each in self.tree(name).find_all(nodes.FromImport):
            assert isinstance(each.template, nodes.Const)
            for one in each.names:
                macro_name, alias = one if isinstance(one, tuple) else (one, one)
                found[alias] = (each.template.value, macro_name)
        own = {each.name: (name, each.name) for each in self.tree(name).find_all(nodes.Macro)}
        return found | own

    def reached(self, name: str, macro_name: str, seen: set[tuple[str, str]]) -> set[str]:
        """The names that a macro, and what it calls, read and do not define."""
        if (name, macro_name) in seen:
            return set()
        seen.add((name, macro_name))
        [body] = [each for each in self.tree(name).find_all(nodes.Macro) if each.name == macro_name]
        arguments = {each.name for each in body.args}
        read = {each.name for each in body.find_all(nodes.Name) if each.ctx == "load"} - arguments
        imported = self.imported(name)
        for called in read & set(imported):
            read = read | self.reached(*imported[called], seen)
        return read

    def kept_macros(self) -> set[tuple[str, str]]:
        """Every macro that some template gives to `kept`."""
        found = set()
        for path in sorted(TEMPLATES.rglob("*.html")):
            name = path.relative_to(TEMPLATES).as_posix()
            for call in self.tree(name).find_all(nodes.Call):
                if isinstance(call.node, nodes.Name) and call.node.name == "kept":
                    assert isinstance(call.args[0], nodes.Name), f"{name}: give kept a macro's name"
                    found.add(self.imported(name)[call.args[0].name])
        return found


def test_kept_macros_show_nothing_but_their_values(app: Flask) -> None:
    reader = Reader(app)
    macros = reader.kept_macros() | {
        ("artworks/_filters.html", name) for name in ("title", "summary", "filters")
    }
    assert len(macros) > 10
    wrong = {
        f"{name}: {macro_name} reads {sorted(found)}"
        for name, macro_name in macros
        if (found := reader.reached(name, macro_name, set()) & NOBODYS_BUSINESS)
    }
    # A form that is sent with GET has no token; the macro asks for one only for POST.
    assert wrong == {"artworks/_filters.html: filters reads ['csrf_token']"}


def test_the_reader_finds_what_is_read_behind_other_macros(app: Flask) -> None:
    reader = Reader(app)
    read = reader.reached("components/buttons.html", "post_button", set())
    assert "csrf_token" in read
    assert "request" in reader.reached("components/navigation.html", "pagination", set())


@in_a_request
def test_moments_are_written_alike_for_equal_moments(app: Flask) -> None:
    time_tag = get_template_attribute("components/times.html", "time_tag")
    moment = datetime(2026, 11, 26, 12, tzinfo=UTC)
    assert "12:00 UTC" in kept(time_tag, moment)


def test_a_signed_out_page_is_the_same_after_somebody_was_signed_in(
    client: Browser, buyer: TestPerson, seller: TestPerson, make_artwork: Callable[..., int]
) -> None:
    artwork_id = make_artwork(seller)

    def signed_out() -> list[str]:
        pages = [client.get(path).text for path in ("/", f"/artworks/{artwork_id}")]
        return [re.sub(r'nonce="[^"]*"|data-now="[^"]*"', "", page) for page in pages]

    before = signed_out()
    for path in ("/", f"/artworks/{artwork_id}"):
        assert buyer.name in buyer.browser.get(path).text
    assert signed_out() == before
    assert "csrf_token" not in before[0]


@in_a_request
def test_what_is_too_long_is_shown_and_not_kept(app: Flask, ran: list[int]) -> None:
    m = macro(app, "{% macro m(a, gap) %}{{ ran() }}{{ a }}{{ gap }}{% endmacro %}")
    for _ in range(2):
        assert kept(m, "&" * 8_000, gap="<") == "&amp;" * 8_000 + "&lt;"
    assert len(ran) == 2
