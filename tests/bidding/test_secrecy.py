"""What is public of bids, and that nothing public depends on the threshold."""

from __future__ import annotations

import re
from typing import Any

from app.bidding.models import Bid
from tests.payments.market import Market

WRITES = ("UPDATE artworks", "INSERT INTO bids", "INSERT INTO audit_logs")


def told(answer: Any) -> tuple[int, Any, dict[str, str]]:
    """An answer without what differs every time anyway."""
    body = answer.get_json()
    for name in ("id", "artwork_id", "created_at"):
        body.pop(name, None)
    headers = {name: value for name, value in answer.headers.items()
               if name not in ("X-Request-ID", "Date", "Content-Length")}  # fmt: skip
    return answer.status_code, body, headers


def test_a_losing_bid_is_one_update_and_two_inserts(market: Market, database: str) -> None:
    artwork_id = market.make_artwork(market.seller)
    with market.counting() as statements:
        assert market.bid(market.buyer, artwork_id, "99.99").status_code == 201
    said = [each for each in statements if not each.startswith(("BEGIN", "COMMIT"))]
    [who, *writes] = said
    assert who.startswith("SELECT")
    assert "access_tokens" in who
    assert len(writes) == (1 if database == "postgresql" else len(WRITES))
    written = re.findall(r"(?:UPDATE|INSERT INTO|DELETE FROM) \w+", " ".join(writes))
    assert written == list(WRITES)


def test_a_losing_answer_is_the_same_however_near_the_threshold(market: Market) -> None:
    seen = []
    # Whoever bids is looked up by the first bid.
    assert market.bid(market.buyer, market.make_artwork(market.seller), "1.00").status_code == 201
    for threshold in (10_000, 99_999_999):
        artwork_id = market.make_artwork(market.seller, threshold)
        with market.counting() as statements:
            answers = [
                market.bid(market.buyer, artwork_id, amount)
                for amount in ("1.00", "99.99", "99.99", "50.00")
            ]
        seen.append(([told(answer) for answer in answers], list(statements)))
    assert seen[0] == seen[1]
    assert [status for status, _, _ in seen[0][0]] == [201, 201, 409, 409]


def test_two_artworks_that_differ_only_in_the_threshold_look_the_same(market: Market) -> None:
    views = []
    for threshold in (45_678, 99_999_999):
        artwork_id = market.make_artwork(market.seller, threshold, title="Twins")
        market.bid(market.buyer, artwork_id, "100.00")
        texts = [
            market.call(person, "GET", path).get_data(as_text=True)
            for person in (None, market.buyer, market.make_person("SELLER"))
            for path in (f"/artworks/{artwork_id}", f"/artworks/{artwork_id}/bids")
        ]
        assert not re.search("45678|456\\.78|99999999|999999\\.99|threshold", "".join(texts))
        views.append([
            re.sub(r'"bidder": ?"[^"]+"|"id": ?\d+|\d{4}-\d\d-\d\dT[0-9:.]+Z', "", text)
            for text in texts
        ])  # fmt: skip
    assert views[0] == views[1]


def test_a_refusal_while_reserved_does_not_tell_the_amount(market: Market) -> None:
    seen = []
    for threshold, amount in ((10_000, "123.45"), (20_000, "678.90")):
        artwork_id = market.make_artwork(market.seller, threshold)
        market.bid(market.buyer, artwork_id, amount)
        other = market.make_person("BUYER")
        seen.append([told(market.bid(other, artwork_id, offer)) for offer in ("1", "999")])
    assert seen[0] == seen[1]


def test_the_public_list_never_shows_a_winning_or_released_bid(market: Market) -> None:
    artwork_id = market.make_artwork(market.seller)
    market.bid(market.make_person("BUYER"), artwork_id, "20.00")
    market.bid(market.make_person("BUYER"), artwork_id, "30.00")
    won = market.bid(market.buyer, artwork_id, "543.21").get_json()
    paths = (f"/artworks/{artwork_id}/bids", f"/bids/artwork/{artwork_id}")
    people = (None, market.buyer, market.seller, market.make_person("ADMIN"))

    def shown() -> list[list[str]]:
        lists = []
        for path in paths:
            for person in people:
                body = market.call(person, "GET", path).get_json()
                assert body["total"] == len(body["items"])
                lists.append([bid["amount"] for bid in body["items"]])
        return lists

    expected = [["30.00", "20.00"]] * (len(paths) * len(people))
    assert shown() == expected
    artwork = market.call(None, "GET", f"/artworks/{artwork_id}").get_json()
    assert (artwork["current_highest_bid"], artwork["bid_count"]) == ("30.00", 2)
    # Any digits may be in a moment.
    assert "543" not in str(artwork | {"created_at": ""})
    assert "543.21" not in market.make_person().browser.get(f"/artworks/{artwork_id}").text

    market.give_up(won["payment"]["id"])
    assert [bid.status.value for bid in market.rows(Bid)] == ["OUTBID", "OUTBID", "RELEASED"]
    assert shown() == expected
    artwork = market.call(None, "GET", f"/artworks/{artwork_id}").get_json()
    assert (artwork["current_highest_bid"], artwork["bid_count"]) == ("30.00", 2)


def test_the_winning_amount_is_public_once_sold(market: Market) -> None:
    won = market.win(amount="543.21")
    path = f"/artworks/{won['artwork_id']}"
    assert market.call(None, "GET", path).get_json()["sold_price"] is None
    market.pay(won)
    market.settle(won["payment"]["id"])
    artwork = market.call(None, "GET", path).get_json()
    assert (artwork["status"], artwork["sold_price"]) == ("SOLD", "543.21")


def test_a_bidders_name_is_the_same_on_one_artwork_and_another_on_the_next(
    market: Market,
) -> None:
    others = market.make_person("BUYER")
    names: list[dict[int, set[str]]] = []
    for _ in range(2):
        artwork_id = market.make_artwork(market.seller, 99_999_999)
        for number, person in enumerate([market.buyer, others, market.buyer, others]):
            market.bid(person, artwork_id, str(10 + number))
        items = market.call(None, "GET", f"/artworks/{artwork_id}/bids").get_json()["items"]
        assert all(set(item) == {"amount", "bidder", "created_at"} for item in items)
        names.append({
            0: {item["bidder"] for item in items if item["amount"] in ("10.00", "12.00")},
            1: {item["bidder"] for item in items if item["amount"] in ("11.00", "13.00")},
        })  # fmt: skip
    every = [name for each in names for group in each.values() for name in group]
    assert len(every) == 4
    assert len(set(every)) == 4
    for name in every:
        assert re.fullmatch(r"Bidder [A-Z2-9]{5}", name)
        assert market.buyer.name not in name


def test_the_bids_of_an_artwork_that_does_not_exist_are_not_found(market: Market) -> None:
    for path in ("/artworks/999/bids", "/bids/artwork/999", f"/artworks/{'9' * 20}/bids"):
        assert market.call(None, "GET", path).status_code == 404, path
