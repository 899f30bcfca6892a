"""Pages to register, log in, log out and choose a new password."""

from flask import (
    Blueprint,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import login_user
from flask_wtf import FlaskForm

from app.accounts import account_pages, forms, queries, rules, service
from app.accounts.states import Role, TokenKind
from app.core.access import Who, access, viewer, viewer_or_none
from app.core.addresses import safe_next
from app.core.errors import Invalid
from app.core.secrets import new_token

blueprint = Blueprint("accounts", __name__)
account_pages.add_to(blueprint)


@blueprint.get("/register")
@access(Who.ANYONE)
def register() -> ResponseReturnValue:
    """The form for a new account."""
    if viewer_or_none():
        return redirect(_onward(request.args.get("next")), 303)
    form = forms.RegisterForm(formdata=None, next=request.args.get("next"))
    return _register_page(form)


@blueprint.post("/register")
@access(Who.ANYONE)
def create_account() -> ResponseReturnValue:
    """Open the account and sign its owner in."""
    form = forms.RegisterForm()
    if not form.validate_on_submit():
        return _register_page(form), 422
    email, password = form.email.data, form.password.data
    try:
        person = service.register_user(email, form.name.data, password, form.role.data)
    except Invalid as refused:
        forms.tell_form(form, refused)
        return _register_page(form), 422
    except service.EmailTaken as taken:
        form.email.errors = [taken.detail]
        return _register_page(form), 409
    _sign_in_here(email, password)
    flash(f"Welcome, {person.name}. Your account is ready.", "success")
    return redirect(_onward(form.next.data, person.role), 303)


@blueprint.get("/login")
@access(Who.ANYONE)
def login() -> ResponseReturnValue:
    """The form to log in."""
    person = viewer_or_none()
    if person:
        return redirect(_onward(request.args.get("next"), person.role), 303)
    return _login_page(forms.LoginForm(formdata=None, next=request.args.get("next")))


@blueprint.post("/login")
@access(Who.ANYONE)
def start_session() -> ResponseReturnValue:
    """Sign in and go on to `next` when that is on this site."""
    form = forms.LoginForm()
    if not form.validate_on_submit():
        return _login_page(form), 422
    try:
        role = _sign_in_here(form.email.data, form.password.data)
    except service.WrongCredentials as wrong:
        return _login_page(form, wrong.detail), 401
    return redirect(_onward(form.next.data, role), 303)


@blueprint.post("/logout")
@access(Who.USER, while_suspended=True)
def logout() -> ResponseReturnValue:
    """Revoke this browser's sign-in and forget its session."""
    person = viewer()
    service.sign_out(person.id, person.token_id)
    session.clear()
    flash("You are logged out.", "success")
    return redirect(url_for("artworks.browse"), 303)


@blueprint.get("/password/forgot")
@access(Who.ANYONE)
def forgot_password() -> ResponseReturnValue:
    """The form to ask for a link to choose a new password."""
    return render_template("accounts/forgot_password.html", form=forms.ForgotPasswordForm())


@blueprint.post("/password/forgot")
@access(Who.ANYONE)
def send_reset_link() -> ResponseReturnValue:
    """Owe the mail, and say the same whether or not anybody has the address."""
    form = forms.ForgotPasswordForm()
    if not form.validate_on_submit():
        return render_template("accounts/forgot_password.html", form=form), 422
    service.request_password_reset(form.email.data)
    flash(
        f"If {form.email.data} has an account, a link to choose a new password is on its way. "
        "It works once, for one hour.",
        "success",
    )
    return redirect(url_for("accounts.login"), 303)


@blueprint.get("/password/reset/<token>")
@access(Who.ANYONE)
def reset_password(token: str) -> ResponseReturnValue:
    """The form to choose a new password; 410 when the link no longer works."""
    if not queries.reset_is_open(token):
        return _reset_page(None, 410)
    return _reset_page(forms.ResetPasswordForm(), 200)


@blueprint.post("/password/reset/<token>")
@access(Who.ANYONE)
def use_reset_link(token: str) -> ResponseReturnValue:
    """Choose the new password; every sign-in of the person ends."""
    form = forms.ResetPasswordForm()
    if not queries.reset_is_open(token):
        return _reset_page(None, 410)
    if not form.validate_on_submit():
        return _reset_page(form, 422)
    try:
        service.reset_password(token, form.password.data)
    except Invalid as refused:
        forms.tell_form(form, refused)
        return _reset_page(form, 422)
    except service.ResetLinkDead:
        return _reset_page(None, 410)
    session.clear()
    flash("Your password is changed. Log in with the new one.", "success")
    return redirect(url_for("accounts.login"), 303)


def _register_page(form: FlaskForm) -> str:
    return render_template("accounts/register.html", form=form, rules=rules)


def _login_page(form: FlaskForm, refused: str | None = None) -> str:
    return render_template("accounts/login.html", form=form, refused=refused)


def _reset_page(form: FlaskForm | None, status: int) -> ResponseReturnValue:
    """The page of a reset link; without a form it says that the link is dead."""
    page = render_template("accounts/reset_password.html", form=form, rules=rules)
    response = make_response(page, status)
    # The address of this page is a secret: no other page may learn where a visitor came from.
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _sign_in_here(email: str, password: str) -> Role:
    """Sign this browser in under a new token, in a new session; the role of the person."""
    label = rules.browser_label(request.user_agent.string)
    before = viewer_or_none()
    person, token = service.sign_in(email, password, TokenKind.BROWSER, label)
    if before and not before.by_bearer:
        service.sign_out(before.id, before.token_id)
    # Whatever stood in the session before was written for, or by, somebody not signed in.
    session.clear()
    session.permanent = True
    # Pages that are opened at once after it would each make one up, and all but one be refused.
    session["csrf_token"] = new_token()
    login_user(queries.viewer_by_token(token, TokenKind.BROWSER))
    if not person.active:
        flash(
            "Your account is suspended: you cannot bid or sell. "
            "A payment that is already due can still be finished.",
            "warning",
        )
    return person.role


def _onward(target: str | None, role: str | None = None) -> str:
    """Where to go after signing in: `target` if it is on this site, else where the role starts."""
    start = "dashboards.seller" if role == Role.SELLER else "artworks.browse"
    return safe_next(target) or url_for(start)
