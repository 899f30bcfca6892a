"""The account page: name, password, API tokens, signed-in browsers."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from app.accounts import forms, queries, rules, service
from app.accounts.states import TokenKind
from app.core.access import Who, access, viewer
from app.core.errors import Invalid


def add_to(blueprint: Blueprint) -> None:
    """Put these pages into the package's blueprint."""
    blueprint.get("/account")(account)
    for form in ("name", "password", "tokens"):
        blueprint.get(f"/account/{form}")(back_to_account)
    blueprint.post("/account/name")(rename)
    blueprint.post("/account/password")(change_password)
    blueprint.post("/account/tokens")(create_token)
    blueprint.post("/account/sign-ins/<int:token_id>/revoke")(revoke_sign_in)
    blueprint.post("/account/browsers/revoke-others")(sign_out_others)


@access(Who.USER, while_suspended=True)
def account() -> ResponseReturnValue:
    """Everything that a person may change about their account."""
    return _page()


@access(Who.USER, while_suspended=True)
def back_to_account() -> ResponseReturnValue:
    """Where a form of the account page was sent: somebody may reload it, or log in again there."""
    return redirect(url_for("accounts.account"), 303)


@access(Who.USER, while_suspended=True)
def rename() -> ResponseReturnValue:
    """Change the display name."""
    form = forms.NameForm()
    if not form.validate_on_submit():
        return _page(name_form=form), 422
    service.rename_user(viewer().id, form.name.data)
    flash("Your name is changed.", "success")
    return redirect(url_for("accounts.account"), 303)


@access(Who.USER, while_suspended=True)
def change_password() -> ResponseReturnValue:
    """Change the password; every other sign-in ends."""
    form = forms.ChangePasswordForm()
    person = viewer()
    if not form.validate_on_submit():
        return _page(password_form=form), 422
    try:
        service.change_password(
            person.id, form.current_password.data, form.password.data, person.token_id
        )
    except Invalid as refused:
        forms.tell_form(form, refused)
        return _page(password_form=form), 422
    flash("Your password is changed. You are signed out everywhere else.", "success")
    return redirect(url_for("accounts.account"), 303)


@access(Who.USER)
def create_token() -> ResponseReturnValue:
    """Issue an API token and show it, this once: it is stored nowhere, not even in the session."""
    form = forms.TokenForm()
    if not form.validate_on_submit():
        return _page(token_form=form), 422
    token = service.create_token(viewer().id, form.label.data)
    return _page(new_token=token, new_label=form.label.data), 201, {"Cache-Control": "no-store"}


@access(Who.USER, while_suspended=True)
def revoke_sign_in(token_id: int) -> ResponseReturnValue:
    """End a browser session or an API token of the person."""
    person = viewer()
    if token_id == person.token_id:
        # Ending the sign-in at hand is logging out, which also forgets the session.
        return redirect(url_for("accounts.logout"), 307)
    service.revoke_token(person.id, token_id)
    flash("That sign-in no longer works.", "success")
    return redirect(url_for("accounts.account"), 303)


@access(Who.USER, while_suspended=True)
def sign_out_others() -> ResponseReturnValue:
    """End every browser session of the person but this one."""
    person = viewer()
    ended = service.sign_out_other_browsers(person.id, person.token_id)
    what = "1 other browser is" if ended == 1 else f"{ended} other browsers are"
    flash(f"{what} signed out.", "success")
    return redirect(url_for("accounts.account"), 303)


def _page(**given: Any) -> str:
    person = viewer()
    context = {
        "name_form": forms.NameForm(formdata=None, name=person.name),
        "password_form": forms.ChangePasswordForm(formdata=None),
        "token_form": forms.TokenForm(formdata=None),
        "tokens": queries.sign_ins(person.id, TokenKind.API),
        "browsers": queries.sign_ins(person.id, TokenKind.BROWSER),
        "this_token_id": person.token_id,
        "person": person,
        "rules": rules,
    } | given
    return render_template("accounts/account.html", **context)
