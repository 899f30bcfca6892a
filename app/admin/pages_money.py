"""Payments, and what needs a person."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.accounts import queries as accounts
from app.admin import lists, queries
from app.admin.filtered import filtered_page
from app.admin.forms import Filters, NoteForm, PaymentFilters
from app.core.access import Who, access, viewer
from app.core.paging import DEFAULT_PER_PAGE
from app.payments import queries as payments
from app.payments import service
from app.payments.service import Answer, Finding
from app.payments.states import PaymentStatus, Release, decline_text

RELEASE_WORDS = {
    Release.DEADLINE: "The time to pay ran out.",
    Release.GAVE_UP: "The buyer gave up.",
    Release.SESSION_EXPIRED: "Stripe's page was closed before a payment was made.",
    Release.REFUSED: "Stripe refused to make a payment page.",
    Release.FUNDS_FAILED: "The funds did not arrive.",
}
_STATUS_WORDS = {
    PaymentStatus.PENDING: "still awaiting payment",
    PaymentStatus.PROCESSING: "complete, with the funds on their way",
    PaymentStatus.SUCCEEDED: "paid",
    PaymentStatus.REFUNDED: "refunded",
    PaymentStatus.CANCELED: "released",
    PaymentStatus.FAILED: "failed",
}


def add_to(blueprint: Blueprint) -> None:
    """Put these pages into the package's blueprint."""
    blueprint.get("/admin/payments")(payments_list)
    blueprint.get("/admin/payments/<int:payment_id>")(payment)
    blueprint.post("/admin/payments/<int:payment_id>/ask")(ask)
    blueprint.get("/admin/attention")(attentions)
    blueprint.get("/admin/attention/acknowledged")(acknowledged)
    blueprint.post("/admin/attention/<int:attention_id>/acknowledge")(acknowledge)


@access(Who.ADMIN)
def payments_list() -> ResponseReturnValue:
    """Every payment, filtered as the address says."""
    return filtered_page("admin/payments.html", PaymentFilters(request.args), lists.payments)


@access(Who.ADMIN)
def payment(payment_id: int) -> str:
    """All facts of a payment and its story."""
    row = queries.payment_row(payment_id)
    story = queries.payment_story(payment_id)
    names = accounts.names(
        [row.buyer_id, row.seller_id, *(each.user_id for each in story if each.user_id)]
    )
    reason = row.failure_reason
    return render_template(
        "admin/payment.html",
        payment=row,
        view=payments.payment(payment_id, viewer()),
        buyer=accounts.person(row.buyer_id),
        names=names,
        reason=_reason_words(reason) if reason else None,
        story=story,
        attentions=queries.attentions_of_payment(payment_id),
        stripe_address=queries.stripe_address(row),
    )


def _reason_words(reason: str) -> str:
    return RELEASE_WORDS[Release(reason)] if reason in set(Release) else decline_text(reason)


@access(Who.ADMIN)
def ask(payment_id: int) -> ResponseReturnValue:
    """Ask Stripe how the payment stands, and say what came of it."""
    answer = service.ask_stripe(payment_id, viewer().id)
    flash(*_answer_words(answer))
    return redirect(url_for("admin.payment", payment_id=payment_id), code=303)


def _answer_words(answer: Answer) -> tuple[str, str]:
    status = _STATUS_WORDS[answer.status]
    said = f" Its session there is: {answer.word}." if answer.word else ""
    match answer.finding:
        case Finding.AGREES:
            return f"Stripe agrees: this payment is {status}.{said}", "success"
        case Finding.CHANGED:
            return f"Stripe had news: this payment is now {status}.{said}", "success"
        case Finding.CONTRADICTS:
            return "Stripe says otherwise. See below what needs a person.", "error"
        case Finding.NO_SESSION:
            return "Stripe was never asked to take this payment, so it knows nothing.", "warning"
        case Finding.NO_ANSWER:
            return "Stripe gave no answer. Nothing was changed; try again in a moment.", "warning"


@access(Who.ADMIN)
def attentions() -> str:
    """What needs a person."""
    return _attentions(NoteForm(), None)


@access(Who.ADMIN)
def acknowledged() -> str:
    """What needed a person, and who acknowledged it."""
    return _attentions(NoteForm(), None, acknowledged=True)


def _attentions(form: NoteForm, wrong_id: int | None, *, acknowledged: bool = False) -> str:
    asked = Filters(request.args)
    asked.validate()
    page = lists.attentions(asked.number, DEFAULT_PER_PAGE, acknowledged=acknowledged)
    return render_template(
        "admin/attentions.html",
        page=page,
        acknowledged=acknowledged,
        names=accounts.names(each.acknowledged_by for each in page.items if each.acknowledged_by),
        form=form,
        wrong_id=wrong_id,
    )


@access(Who.ADMIN)
def acknowledge(attention_id: int) -> ResponseReturnValue:
    """Somebody has looked into it."""
    form = NoteForm()
    if not form.validate_on_submit():
        return _attentions(form, attention_id), 422
    if service.acknowledge_attention(attention_id, viewer().id, form.note.data or ""):
        flash("Acknowledged. It stays readable under “Acknowledged”.", "success")
    else:
        flash("Somebody has acknowledged this already.", "info")
    return redirect(url_for("admin.attentions"), code=303)
