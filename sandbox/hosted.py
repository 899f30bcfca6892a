"""The hosted payment page: what the buyer sees, with and without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, make_response, redirect, render_template, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox import payments
from sandbox.cards import TEST_CARDS, Refusal, TestCard, find_card
from sandbox.errors import StripeError
from sandbox.parameters import EMAIL
from sandbox.payments import Buyer, Result
from sandbox.sessions import expire_due, find
from sandbox.world import World

Body = dict[str, Any]
EXPIRY = re.compile(r"(0[1-9]|1[0-2])\s*/?\s*([0-9]{2})\Z")
CVC = re.compile(r"[0-9]{3}\Z")
COUNTRIES = {
    "US": "United States",
    "AU": "Australia",
    "AT": "Austria",
    "CA": "Canada",
    "FR": "France",
    "DE": "Germany",
    "IN": "India",
    "IT": "Italy",
    "JP": "Japan",
    "MX": "Mexico",
    "NL": "Netherlands",
    "ES": "Spain",
    "CH": "Switzerland",
    "GB": "United Kingdom",
}
FIELDS = ("email", "card_number", "exp", "cvc", "name", "country", "postal_code")
# The field that a refused card's message belongs to.
REFUSED_FIELD = {"expired_card": "exp", "incorrect_cvc": "cvc"}


@dataclass
class Form:
    """What was typed, and what is wrong with it, by field."""

    typed: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)
    card: TestCard | None = None
    expiry: tuple[int, int] = (1, 2000)

    def buyer(self) -> Buyer:
        """The buyer of a form without errors."""
        return Buyer(
            email=self.typed["email"],
            name=self.typed["name"],
            country=self.typed["country"],
            postal_code=self.typed["postal_code"] or None,
            expiry=self.expiry,
        )


def read_form(sent: Mapping[str, str], session: Body, today: datetime) -> Form:
    """Check the page's fields; a number that is not a test card is not kept."""
    form = Form({name: sent.get(name, "").strip()[:200] for name in FIELDS})
    typed, errors = form.typed, form.errors
    typed["country"] = typed["country"] if typed["country"] in COUNTRIES else "US"
    if session["customer_email"] is not None:
        typed["email"] = session["customer_email"]
    if not typed["email"]:
        errors["email"] = "Enter your email address."
    elif not EMAIL.match(typed["email"]):
        errors["email"] = "Enter an email address like name@example.com."
    form.card = find_card(typed["card_number"])
    if not typed["card_number"]:
        errors["card_number"] = "Enter a card number."
    elif form.card is None:
        errors["card_number"] = (
            "This is not a test card. Never type a real card here; use one from the list."
        )
        typed["card_number"] = typed["cvc"] = ""
    expiry = EXPIRY.match(typed["exp"])
    if expiry is None:
        errors["exp"] = "Enter the expiry date as MM/YY, for example 12/34."
    else:
        form.expiry = (int(expiry.group(1)), 2000 + int(expiry.group(2)))
        if (form.expiry[1], form.expiry[0]) < (today.year, today.month):
            errors["exp"] = "This expiry date is in the past."
    if not CVC.match(typed["cvc"]) and "card_number" not in errors:
        errors["cvc"] = "Enter the 3 digits of the CVC; any will do."
    if not typed["name"]:
        errors["name"] = "Enter the name on the card."
    return form


def money(cents: int, currency: str) -> str:
    """Whole cents as a price, such as `$1,234.50`."""
    whole, rest = divmod(cents, 100)
    sign = "$" if currency == "usd" else f"{currency.upper()} "
    return f"{sign}{whole:,}.{rest:02d}"


def return_address(session: Body) -> str:
    """The shop's success page, with the session's id where the shop asked for it."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", session["id"])


def blueprint(world: World) -> Blueprint:
    """The routes under /c/pay."""
    routes = Blueprint("hosted", __name__, url_prefix="/c/pay")

    def look_up(session_id: str) -> Body:
        expire_due(world)
        return find(world, session_id)

    def pay_page(session: Body, form: Form, refusal: Refusal | None = None) -> Response:
        if refusal is not None:
            form.errors[REFUSED_FIELD.get(refusal.code, "card_number")] = refusal.message
        page = render_template(
            "pay.html",
            session=session,
            lines=world.store.private(session["id"])["line_items"],
            total=money(session["amount_total"], session["currency"]),
            form=form,
            cards=TEST_CARDS,
            countries=COUNTRIES,
            refused=refusal is not None,
            verb={"donate": "Donate", "book": "Book"}.get(session["submit_type"] or "", "Pay"),
        )
        return make_response(page, 422 if form.errors and refusal is None else 200)

    def over_page(session: Body, *, submitted: bool = False) -> Response:
        page = render_template(
            "over.html",
            session=session,
            total=money(session["amount_total"], session["currency"]),
            submitted=submitted,
            back=return_address(session),
        )
        return make_response(page, 410 if session["status"] == "expired" else 200)

    def go_on(result: Result, form: Form) -> AnyResponse:
        session = result.session
        if result.kind == "complete":
            return redirect(return_address(session), 303)
        if result.kind == "challenge":
            return redirect(f"/c/pay/{session['id']}/challenge", 303)
        if result.kind == "gone":
            return over_page(session, submitted=True)
        return pay_page(session, form, result.refusal)

    @routes.errorhandler(StripeError)
    def unknown(problem: StripeError) -> tuple[str, int]:
        return render_template("unknown.html"), problem.status

    @routes.get("/<session_id>")
    def show(session_id: str) -> AnyResponse:
        session = look_up(session_id)
        if session["status"] != "open":
            return over_page(session)
        form = Form(dict.fromkeys(FIELDS, ""))
        form.typed.update(email=session["customer_email"] or "", country="US")
        chosen = find_card(request.args.get("card", ""))
        if chosen is not None:
            form.typed.update(card_number=chosen.spaced, exp="12/34", cvc="123", name="Test Buyer")
            form.typed["email"] = form.typed["email"] or "buyer@example.com"
        return pay_page(session, form)

    @routes.post("/<session_id>")
    def submit(session_id: str) -> AnyResponse:
        session = look_up(session_id)
        if session["status"] != "open":
            return over_page(session, submitted=True)
        form = read_form(request.form, session, datetime.fromtimestamp(world.clock.now(), UTC))
        if form.errors or form.card is None:
            return pay_page(session, form)
        return go_on(payments.submit(world, session_id, form.card, form.buyer()), form)

    @routes.get("/<session_id>/challenge")
    def show_challenge(session_id: str) -> AnyResponse:
        session = look_up(session_id)
        if session["status"] != "open":
            return over_page(session)
        asked = payments.challenge_of(world, session_id)
        if asked is None:
            return redirect(f"/c/pay/{session_id}", 303)
        page = render_template(
            "challenge.html",
            session=session,
            total=money(session["amount_total"], session["currency"]),
            last4=asked["card"][-4:],
        )
        return make_response(page)

    @routes.post("/<session_id>/challenge")
    def answer_challenge(session_id: str) -> AnyResponse:
        session = look_up(session_id)
        if session["status"] != "open":
            return over_page(session, submitted=True)
        asked = payments.challenge_of(world, session_id)
        if asked is None:
            return redirect(f"/c/pay/{session_id}", 303)
        form = Form(dict.fromkeys(FIELDS, ""))
        month, year = asked["buyer"]["expiry"]
        form.typed.update(
            email=asked["buyer"]["email"],
            name=asked["buyer"]["name"],
            country=asked["buyer"]["country"],
            postal_code=asked["buyer"]["postal_code"] or "",
            exp=f"{month:02d}/{year % 100:02d}",
        )
        passed = request.form.get("outcome") == "complete"
        return go_on(payments.answer_challenge(world, session_id, passed=passed), form)

    return routes
