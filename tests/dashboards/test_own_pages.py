"""What people see of their own bids, payments and artworks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

from flask import Flask
from sqlalchemy import insert

from app.artworks.states import ArtworkStatus
from app.bidding.models import Bid
from app.bidding.states import BidStatus
from app.core import clock
from app.core.audit import record_audit
from app.core.transaction import transaction
from app.payments.models import Payment
from app.payments.states import PaymentStatus
from tests.people import Browser, TestPerson

Make = Callable[..., TestPerson]
List = Callable[..., int]


def make_bid(
    app: Flask, artwork_id: int, bidder: TestPerson, cents: int, status: str = "OUTBID"
) -> int:
    """A bid's row; its id."""
    with app.app_context(), transaction() as session:
        bid_id = session.scalar(
            insert(Bid)
            .values(
                artwork_id=artwork_id, bidder_id=bidder.id, amount_cents=cents,
                status=BidStatus(status), created_at=clock.now(),
            )
            .returning(Bid.id)
        )  # fmt: skip
    assert bid_id is not None
    return bid_id


def make_payment(
    app: Flask,
    artwork_id: int,
    buyer: TestPerson,
    seller: TestPerson,
    cents: int,
    status: str = "PENDING",
    **columns: object,
) -> int:
    """A winning bid and its payment; the payment's id."""
    open_or_paid = status not in ("CANCELED", "FAILED")
    bid_id = make_bid(app, artwork_id, buyer, cents, "WON" if open_or_paid else "RELEASED")
    moment = clock.now()
    values = {
        "livemode": False,
        "currency": "usd",
        "deadline_at": moment + timedelta(minutes=10),
        "attempt": 1,
        "server_errors": 0,
        "idempotency_key": f"test-{bid_id}",
        "checkout_params": {},
        "refunded_cents": 0,
        "created_at": moment,
        "updated_at": moment,
    }
    with app.app_context(), transaction() as session:
        payment_id = session.scalar(
            insert(Payment)
            .values(
                bid_id=bid_id, artwork_id=artwork_id, buyer_id=buyer.id, seller_id=seller.id,
                amount_cents=cents, status=PaymentStatus(status), **values | columns,
            )
            .returning(Payment.id)
        )  # fmt: skip
    assert payment_id is not None
    return payment_id


def test_the_own_pages_ask_for_a_log_in_and_come_back(client: Browser) -> None:
    for path in ("/me/bids", "/me/payments?page=2", "/seller", "/seller/artworks/1", "/admin"):
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.location == "/login?" + urlencode({"next": path}, safe="/?")


def test_a_buyer_is_not_let_into_the_sellers_or_the_administrators_pages(
    buyer: TestPerson,
) -> None:
    for path in ("/seller", "/seller/artworks/1", "/admin"):
        assert buyer.browser.get(path).status_code == 403


def test_empty_pages_say_what_to_do(buyer: TestPerson, seller: TestPerson) -> None:
    assert "You have not bid yet" in buyer.browser.get("/me/bids").text
    assert "No payments yet" in buyer.browser.get("/me/payments").text
    assert "You have listed nothing yet" in seller.browser.get("/seller").text


def test_my_bids_say_what_each_came_to(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    lost, won = make_artwork(seller, title="Lost"), make_artwork(seller, title="Won one")
    make_bid(app, lost, buyer, 12_345)
    payment_id = make_payment(app, won, buyer, seller, 20_000)
    page = buyer.browser.get("/me/bids").text
    assert "Lost" in page
    assert "$123.45" in page
    assert "Not this time" in page
    assert "Awaiting payment" in page
    assert f'href="/payments/{payment_id}"' in page


def test_my_bids_show_nobody_elses(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_person: Make, make_artwork: List
) -> None:
    make_bid(app, make_artwork(seller), make_person("BUYER"), 4321)
    assert "43.21" not in buyer.browser.get("/me/bids").text


def test_my_payments_offer_to_pay_only_while_that_is_possible(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    still_open = make_payment(app, make_artwork(seller), buyer, seller, 10_000)
    over = make_payment(
        app, make_artwork(seller), buyer, seller, 20_000, "CANCELED", failure_reason="deadline"
    )
    paid = make_payment(
        app, make_artwork(seller), buyer, seller, 30_000, "SUCCEEDED", paid_at=clock.now()
    )
    page = buyer.browser.get("/me/payments").text
    assert page.count(">Pay</a>") == 1
    assert f'class="btn btn--primary" href="/payments/{still_open}"' in page
    assert f'href="/payments/{over}">Details' in page
    assert f'href="/payments/{paid}">Receipt' in page


def test_a_page_number_that_makes_no_sense_shows_the_first_page(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    make_bid(app, make_artwork(seller, title="Only one"), buyer, 5000)
    for number in ("0", "-1", "x", "9" * 30, "１", ""):
        assert "Only one" in buyer.browser.get("/me/bids", query_string={"page": number}).text
    assert "There is no such page" in buyer.browser.get("/me/bids?page=7").text


def test_a_sellers_numbers_count_what_was_paid_less_refunds(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_person: Make, make_artwork: List
) -> None:
    other = make_person("SELLER")
    sold = [make_artwork(seller, status="SOLD", sold_cents=cents) for cents in (10_000, 20_000)]
    make_payment(app, sold[0], buyer, seller, 10_000, "SUCCEEDED", paid_at=clock.now())
    make_payment(
        app, sold[1], buyer, seller, 20_000, "SUCCEEDED", paid_at=clock.now(), refunded_cents=5000
    )
    for reason, payable_at in (
        ("deadline", clock.now()), ("buyer_gave_up", clock.now()), ("deadline", None),
        ("refused_by_stripe", clock.now()), ("session_expired", clock.now()),
    ):  # fmt: skip
        make_payment(
            app, make_artwork(seller), buyer, seller, 40_000, "CANCELED",
            failure_reason=reason, payable_at=payable_at,
        )  # fmt: skip
    elsewhere = make_artwork(other, status="SOLD", sold_cents=99_900)
    make_payment(app, elsewhere, buyer, other, 99_900, "SUCCEEDED", paid_at=clock.now())
    stats = app.test_client().get("/api/stats/seller", headers=seller.bearer).json
    assert stats["artworks"] == {
        "ACTIVE": 5, "PENDING_PAYMENT": 0, "SOLD": 2, "EXPIRED": 0, "ARCHIVED": 0,
    }  # fmt: skip
    assert stats["revenue"] == "250.00"
    # Only what the buyer could have paid, and did not.
    assert stats["unpaid_wins"] == 2
    today = clock.now().date().isoformat()
    assert stats["bids_by_day"][-1] == {"day": today, "count": 7}
    assert stats["revenue_by_day"][-1] == {"day": today, "amount": "250.00"}
    assert [len(stats[name]) for name in ("bids_by_day", "revenue_by_day")] == [30, 30]
    page = seller.browser.get("/seller").text
    assert "$250.00" in page
    assert "999.00" not in page


def test_only_sellers_get_sellers_numbers(app: Flask, buyer: TestPerson, admin: TestPerson) -> None:
    client = app.test_client()
    assert client.get("/api/stats/seller").status_code == 401
    assert client.get("/api/stats/seller", headers=buyer.bearer).status_code == 403
    assert client.get("/api/stats/seller", headers=admin.bearer).status_code == 403


def test_the_sellers_list_can_be_narrowed_to_a_state(
    seller: TestPerson, make_artwork: List
) -> None:
    for status in ArtworkStatus:
        make_artwork(
            seller,
            title=f"This is {status.value}",
            status=status.value,
            sold_cents=5000 if status == ArtworkStatus.SOLD else None,
        )
    everything = seller.browser.get("/seller").text
    assert all(f"This is {status.value}" in everything for status in ArtworkStatus)
    narrowed = seller.browser.get("/seller?status=ARCHIVED").text
    assert "This is ARCHIVED" in narrowed
    assert "This is ACTIVE" not in narrowed
    assert "This is ACTIVE" in seller.browser.get("/seller?status=nonsense").text


def test_the_list_offers_only_the_moves_that_the_table_has(
    seller: TestPerson, make_artwork: List
) -> None:
    numbers = {
        status: make_artwork(
            seller, status=status.value, sold_cents=5000 if status == "SOLD" else None
        )
        for status in ArtworkStatus
    }
    page = seller.browser.get("/seller").text
    can_withdraw = {s for s, n in numbers.items() if f"/artworks/{n}/withdraw" in page}
    can_relist = {s for s, n in numbers.items() if f"/artworks/{n}/relist" in page}
    assert can_withdraw == {ArtworkStatus.ACTIVE, ArtworkStatus.EXPIRED}
    assert can_relist == {ArtworkStatus.EXPIRED, ArtworkStatus.ARCHIVED}


def test_an_artworks_page_tells_its_seller_the_threshold_and_the_story(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller, 77_700, status="PENDING_PAYMENT")
    with app.app_context(), transaction() as session:
        record_audit(session, "artwork.created", "artwork", artwork_id, seller.id)
    make_bid(app, artwork_id, buyer, 12_300)
    make_payment(app, artwork_id, buyer, seller, 80_000)
    page = seller.browser.get(f"/seller/artworks/{artwork_id}").text
    for words in ("$777.00", "Listed", "Bid of $123.00 by Bidder ", "Reserved by a bid of $800.00"):
        assert words in page
    assert buyer.name not in page
    assert buyer.email not in page


def test_the_seller_learns_who_bought_once_it_is_paid(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller, status="SOLD", sold_cents=80_000)
    make_payment(app, artwork_id, buyer, seller, 80_000, "SUCCEEDED", paid_at=clock.now())
    page = seller.browser.get(f"/seller/artworks/{artwork_id}").text
    assert buyer.email in page
    assert "Paid: $800.00" in page


def test_a_released_win_stands_in_the_story_with_its_reason(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller)
    make_payment(
        app, artwork_id, buyer, seller, 80_000, "CANCELED",
        failure_reason="buyer_gave_up", closed_at=clock.now(),
    )  # fmt: skip
    page = seller.browser.get(f"/seller/artworks/{artwork_id}").text
    assert "Not paid (the buyer gave up): $800.00 released" in page


def test_sales_come_as_a_sheet_without_formulas(
    app: Flask, seller: TestPerson, make_person: Make, make_artwork: List
) -> None:
    mallory = make_person("BUYER", name="=HYPERLINK(1)")
    for title, cents, status in (
        ("+1 “quoted”, with a comma", 12_345, "SUCCEEDED"), ("Sent back", 5_000, "REFUNDED"),
    ):  # fmt: skip
        artwork_id = make_artwork(seller, title=title, status="SOLD", sold_cents=cents)
        make_payment(
            app, artwork_id, mallory, seller, cents, status,
            paid_at=clock.now(), refunded_cents=cents if status == "REFUNDED" else 0,
        )  # fmt: skip
    make_payment(app, make_artwork(seller, title="Unpaid"), mallory, seller, 9_900)
    answer = seller.browser.get("/seller/sales.csv")
    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    newest, oldest = csv.DictReader(io.StringIO(answer.text))
    assert oldest["Artwork"] == "'+1 “quoted”, with a comma"
    assert oldest["Buyer"] == "'=HYPERLINK(1)"
    assert (oldest["E-mail"], oldest["Amount (USD)"]) == (mallory.email, "123.45")
    assert oldest["Sold (UTC)"].endswith("Z")
    assert oldest["Reference"].startswith("GTW-")
    assert newest["Refunded (USD)"] == "50.00"
    nobody = make_person("SELLER").browser.get("/seller/sales.csv")
    assert list(csv.DictReader(io.StringIO(nobody.text))) == []
    assert mallory.browser.get("/seller/sales.csv").status_code == 403


def test_what_if_counts_all_bids_once_there_are_five(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_person: Make, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller)
    path = f"/seller/artworks/{artwork_id}/what-if"
    for number in range(4):
        make_bid(app, artwork_id, buyer, 5_000 + number * 1_000)
    page = seller.browser.submit(path, threshold="60").text
    assert "too few bids" in page
    assert " of 4" not in page
    make_bid(app, artwork_id, buyer, 20_000, "RELEASED")
    for asked, reached in (("60", 4), ("60.01", 3), ("200", 1), ("200.01", 0)):
        page = seller.browser.submit(path, threshold=asked).text
        assert f"<strong>{reached} of 5</strong>" in page, asked
    assert seller.browser.submit(path, threshold="a lot").status_code == 422
    assert "Enter another hidden minimum." in seller.browser.submit(path, threshold=" ").text
    # The question is the seller's alone, and leaves no trace in an address.
    assert make_person("SELLER").browser.submit(path, threshold="60").status_code == 404
    assert buyer.browser.submit(path, threshold="60").status_code == 403
    assert "threshold=" not in seller.browser.get(f"/seller/artworks/{artwork_id}").text


def test_another_sellers_artwork_is_not_there(
    seller: TestPerson, make_person: Make, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller)
    assert make_person("SELLER").browser.get(f"/seller/artworks/{artwork_id}").status_code == 404
    assert seller.browser.get("/seller/artworks/999999999999999999999999").status_code == 404


def test_titles_are_written_as_text(
    app: Flask, buyer: TestPerson, seller: TestPerson, make_artwork: List
) -> None:
    artwork_id = make_artwork(seller, title="<script>alert(1)</script>")
    make_payment(app, artwork_id, buyer, seller, 5000)
    for browser, path in (
        (buyer.browser, "/me/bids"),
        (buyer.browser, "/me/payments"),
        (seller.browser, "/seller"),
        (seller.browser, f"/seller/artworks/{artwork_id}"),
    ):
        assert "<script>alert" not in browser.get(path).text
