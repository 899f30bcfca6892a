"""What a listing may say, at and around each limit."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from app.artworks import rules
from app.artworks.states import ARTWORK_MOVES, ArtworkEvent, ArtworkStatus, ForbiddenMove
from app.artworks.states import move_artwork as move
from app.demo.catalogue import ARTWORKS

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LINES = [rules.check_title, rules.check_artist, rules.check_alt, rules.check_search]


@pytest.mark.parametrize(
    ("check", "limit"),
    [
        (rules.check_title, 120),
        (rules.check_artist, 120),
        (rules.check_description, 5000),
        (rules.check_alt, 300),
        (rules.check_search, 100),
    ],
)
def test_text_may_be_as_long_as_its_limit_and_no_longer(
    check: Callable[[str], str], limit: int
) -> None:
    assert check("é" * limit) == "é" * limit
    assert check(f"  {'x' * limit}  ") == "x" * limit
    with pytest.raises(ValueError, match=f"at most {limit:,} characters"):
        check("x" * (limit + 1))


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\u3000\u200b", "\u2060"])
def test_a_title_that_nobody_can_see_is_no_title(text: str) -> None:
    with pytest.raises(ValueError, match="1 to 120"):
        rules.check_title(text)


@pytest.mark.parametrize("check", [*LINES, rules.check_description])
@pytest.mark.parametrize("letter", ["\x00", "\x07", "\x1b", "\x7f", "\x85", "\ud800"])
def test_control_characters_are_refused(check: Callable[[str], str], letter: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        check(f"a{letter}b")


@pytest.mark.parametrize("check", [rules.check_title, rules.check_artist, rules.check_alt])
@pytest.mark.parametrize("mark", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
def test_nothing_turns_the_text_beside_it_around(check: Callable[[str], str], mark: str) -> None:
    with pytest.raises(ValueError, match="must not contain control characters"):
        check(f"Harbour {mark}nwad ta")


def test_marks_that_scripts_from_right_to_left_need_are_text() -> None:
    assert rules.check_title("\u200fשלום\u200e (1)") == "\u200fשלום\u200e (1)"


@pytest.mark.parametrize("check", LINES)
def test_a_line_holds_no_line_breaks(check: Callable[[str], str]) -> None:
    with pytest.raises(ValueError, match="line breaks"):
        check("one\ntwo")


def test_a_description_keeps_its_lines_however_they_were_ended() -> None:
    assert rules.check_description("one\r\ntwo\rthree\n\nfour\n") == "one\ntwo\nthree\n\nfour"


def test_letters_of_every_script_are_text() -> None:
    title = "Nuée d’étoiles – 星の雲 – سحابة 🎨"
    assert rules.check_title(title) == title


@pytest.mark.parametrize("text", ["", "painting", "Paintings", "Other ", "<b>"])
def test_only_the_listed_categories_exist(text: str) -> None:
    with pytest.raises(ValueError, match="Painting, Print, Photography"):
        rules.check_category(text)


def test_the_demo_uses_all_categories() -> None:
    assert {art.category for art in ARTWORKS} == set(rules.CATEGORIES)


@pytest.mark.parametrize("ahead", [timedelta(microseconds=1), timedelta(days=365)])
def test_an_end_date_may_be_up_to_a_year_ahead(ahead: timedelta) -> None:
    assert rules.check_end(NOW + ahead, NOW) == NOW + ahead


@pytest.mark.parametrize(
    "ahead", [timedelta(0), timedelta(seconds=-1), timedelta(days=365, microseconds=1)]
)
def test_an_end_date_outside_the_coming_year_is_refused(ahead: timedelta) -> None:
    with pytest.raises(ValueError, match="in the future, at most one year"):
        rules.check_end(NOW + ahead, NOW)


@pytest.mark.parametrize("status", ArtworkStatus)
@pytest.mark.parametrize("event", ArtworkEvent)
def test_every_state_and_event_is_a_listed_move_or_refused(
    status: ArtworkStatus, event: ArtworkEvent
) -> None:
    listed = {
        "ACTIVE": {
            "bid_won": "PENDING_PAYMENT", "end_date_passed": "EXPIRED", "withdrawn": "ARCHIVED",
            "win_restored": "PENDING_PAYMENT",
        },
        "PENDING_PAYMENT": {
            "paid": "SOLD", "released_open": "ACTIVE", "released_ended": "EXPIRED",
        },
        "SOLD": {},
        "EXPIRED": {
            "withdrawn": "ARCHIVED", "relisted": "ACTIVE", "win_restored": "PENDING_PAYMENT",
        },
        "ARCHIVED": {"relisted": "ACTIVE", "win_restored": "PENDING_PAYMENT"},
    }  # fmt: skip
    target = listed[status.value].get(event.value)
    if target is None:
        assert (status, event) not in ARTWORK_MOVES
        with pytest.raises(ForbiddenMove):
            move(status, event)
    else:
        assert move(status, event) == target
