"""The outbox."""

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.admin.filtered import filtered_page
from app.admin.forms import MailFilters
from app.core.access import Who, access, viewer
from app.core.errors import NotFound
from app.notifications import queries, service
from app.notifications.states import EmailKind

# A mail brings its own styles and nothing else: no script, no form, no address to load from.
_PREVIEW_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'self'"
)


def add_to(blueprint: Blueprint) -> None:
    """Put these pages into the package's blueprint."""
    blueprint.get("/admin/emails")(emails)
    blueprint.get("/admin/emails/<int:email_id>")(email)
    blueprint.get("/admin/emails/<int:email_id>/preview")(preview)
    blueprint.post("/admin/emails/<int:email_id>/send")(send)


@access(Who.ADMIN)
def emails() -> ResponseReturnValue:
    """Every mail that is owed or was sent, filtered as the address says."""
    return filtered_page("admin/emails.html", MailFilters(request.args), queries.emails)


@access(Who.ADMIN)
def email(email_id: int) -> str:
    """One mail: where it stands and what it says, but for secrets."""
    return render_template(
        "admin/email.html",
        mail=queries.email(email_id),
        details=queries.email_details(email_id),
        hides_link=EmailKind.PASSWORD_RESET,
    )


@access(Who.ADMIN)
def preview(email_id: int) -> Response:
    """The mail's HTML alone, for the frame on its page."""
    html = queries.email_details(email_id).html
    if html is None:
        raise NotFound
    answer = Response(html, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = _PREVIEW_POLICY
    return answer


@access(Who.ADMIN)
def send(email_id: int) -> ResponseReturnValue:
    """Owe a mail anew."""
    service.send_again(email_id, viewer().id)
    flash("It will be sent again in a moment.", "success")
    return redirect(url_for("admin.email", email_id=email_id), code=303)
