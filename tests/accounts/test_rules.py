"""The limits of what people type, without anything around them."""

import pytest

from app.accounts import rules
from app.accounts.states import Role
from app.core.addresses import safe_next


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ada@example.com", "ada@example.com"),
        ("  Ada.Lovelace+art@Example.COM \n", "ada.lovelace+art@example.com"),
        ("ada@münchen.de", "ada@xn--mnchen-3ya.de"),
        ("ada@gallery.test", "ada@gallery.test"),
        ("a" * 64 + "@example.com", "a" * 64 + "@example.com"),
    ],
)
def test_an_address_is_kept_in_lower_case_and_ascii(typed: str, kept: str) -> None:
    assert rules.clean_email(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@@example.com",
        "ada@localhost",
        "ada lovelace@example.com",
        "ada@example.com\r\nBcc: everyone@example.com",
        "ada\x00@example.com",
        "ada\ud800@example.com",
        "ada\u202e@example.com",
        "ädä@example.com",
        '"ada"@example.com',
        "ada@[127.0.0.1]",
        "Ada <ada@example.com>",
        "ada@example.com,bob@example.com",
        "a" * 65 + "@example.com",
        "ada@" + "b" * 64 + ".com",
        "' OR 1=1 --@example.com",
    ],
)
def test_what_is_no_address_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ValueError, match=r"name@example\.com, with at most 254 characters"):
        rules.clean_email(typed)


def test_an_address_that_is_too_long_is_refused_with_the_limit() -> None:
    with pytest.raises(ValueError, match="at most 254 characters"):
        rules.clean_email("a@" + "b." * 130 + "com")


@pytest.mark.parametrize("cleaned", [rules.clean_name, rules.clean_label])
def test_a_line_of_text_is_stripped_and_composed(cleaned) -> None:  # type: ignore[no-untyped-def]
    assert cleaned("  Zoe\u0308 O’Hara 画廊 👩🏽‍🎨 ") == "Zoë O’Hara 画廊 👩🏽‍🎨"
    assert cleaned("x" * 80) == "x" * 80


@pytest.mark.parametrize("cleaned", [rules.clean_name, rules.clean_label])
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "1 to 80 characters"),
        (" \u3000\t ", "1 to 80 characters"),
        ("\u200b\u200d", "1 to 80 characters"),
        ("x" * 81, "at most 80 characters"),
        ("Ada\nLovelace", "without control characters"),
        ("Ada\x00", "without control characters"),
        ("Ada\x1b[31m", "without control characters"),
        ("Ada\u2028Lovelace", "without control characters"),
        ("Ada\u202eevil", "without control characters"),
        ("Ada\ud83d", "without control characters"),
    ],
)
def test_a_line_that_cannot_be_shown_is_refused_with_the_limit(cleaned, typed, said) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=said):
        cleaned(typed)


@pytest.mark.parametrize(
    "typed", ["x" * 10, "x" * 128, "пароль пароль", "🔑" * 10, " spaced  out "]
)
def test_a_password_may_hold_anything_that_can_be_typed(typed: str) -> None:
    assert rules.new_password(typed) == typed


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", "10 to 128 characters"),
        ("x" * 9, "10 to 128 characters"),
        ("x" * 129, "10 to 128 characters"),
        ("long enough\x00", "without control characters"),
        ("long enough\n", "without control characters"),
        ("long enough\udfff", "without control characters"),
    ],
)
def test_a_password_outside_the_limits_is_refused(typed: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rules.new_password(typed)


def test_two_ways_of_composing_a_letter_are_one_password() -> None:
    assert rules.typed_password("pa\u0308sswo\u0308rter") == rules.typed_password("pässwörter")


@pytest.mark.parametrize(
    "password",
    ["Augusta.King@example.com", "AUGUSTA.KING", "augusta ada king", " Augusta Ada King "],
)
def test_a_password_is_not_what_everybody_knows_of_a_person(password: str) -> None:
    with pytest.raises(ValueError, match="not your email address or your name"):
        rules.check_password_of(password, "augusta.king@example.com", "Augusta Ada King")


def test_only_buyer_and_seller_can_be_chosen() -> None:
    assert [rules.chosen_role("BUYER"), rules.chosen_role("SELLER")] == [Role.BUYER, Role.SELLER]
    for wrong in ("ADMIN", "buyer", "", "BUYER "):
        with pytest.raises(ValueError, match="BUYER to buy or SELLER to sell"):
            rules.chosen_role(wrong)


@pytest.mark.parametrize("target", ["/", "/me/bids?page=2", "/artworks/7#bid", "/a?u=//b", "/é"])
def test_a_path_on_this_site_may_follow_a_log_in(target: str) -> None:
    assert safe_next(target) == target


@pytest.mark.parametrize(
    "target",
    [
        None,
        "",
        "artworks",
        "https://evil.example/",
        "//evil.example",
        "///evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "/\n/evil.example",
        "/ok\r\nSet-Cookie: a=b",
        " /ok",
        "/ok\x00",
        "/ok\x7f",
        "javascript:alert(1)",
        "/\ud800",
        "/" + "x" * 2000,
    ],
)
def test_no_other_place_may_follow_a_log_in(target: str | None) -> None:
    assert safe_next(target) is None


@pytest.mark.parametrize(
    ("user_agent", "label"),
    [
        (
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Firefox on Linux",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/143.0.0.0 Safari/537.36 Edg/143.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26_1 like Mac OS X) AppleWebKit/605.1.15 "
            "(KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        (
            "Mozilla/5.0 (Linux; Android 16) AppleWebKit/537.36 (KHTML, like Gecko) "
            "Chrome/143.0.0.0 Mobile Safari/537.36",
            "Chrome on Android",
        ),
        ("", "A browser"),
        ("<script>alert(1)</script>" * 9999, "A browser"),
    ],
)
def test_a_browser_is_called_by_a_name_that_its_owner_knows(user_agent: str, label: str) -> None:
    assert rules.browser_label(user_agent) == label
