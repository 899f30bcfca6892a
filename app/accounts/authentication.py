"""Who a request comes from: the browser's session, or a bearer token."""

from dataclasses import replace

from flask import Flask, Request, Response, current_app, request
from flask_login import LoginManager

from app.accounts import queries
from app.accounts.states import TokenKind
from app.core.access import Viewer, may_be_remembered
from app.core.at_hand import notes_at_hand
from app.core.remembered import Remembered
from app.core.secrets import token_digest


def init_login(app: Flask, login_manager: LoginManager) -> None:
    """Teach Flask-Login to find people by our tokens.

    A bearer token goes before the browser's session: whoever sends one means it. A wrong one is
    nobody, which `access` refuses only where somebody is needed.
    """
    # A sign-in is a token that can be seen and revoked. Tying it to the network address as well
    # would sign people out whenever their phone changes networks.
    login_manager.session_protection = None
    # What it would compare is worked out for each request all the same.
    login_manager._session_identifier_generator = lambda: ""
    login_manager.user_loader(_viewer_of_session)
    login_manager.request_loader(_viewer_of_bearer)
    app.extensions["viewers"] = Remembered()

    @app.after_request
    def forget(response: Response) -> Response:
        if response.status_code == 401:
            _known().forget(notes_at_hand().get("remembered"))
        return response


def _viewer_of_session(token: str) -> Viewer | None:
    if _bearer(request) is not None:
        return None
    return queries.viewer_by_token(token, TokenKind.BROWSER)


def _viewer_of_bearer(asked: Request) -> Viewer | None:
    token = _bearer(asked)
    if not token:
        return None
    if may_be_remembered(asked):
        return _remembered(token)
    return queries.viewer_by_token(token, TokenKind.API)


def _remembered(token: str) -> Viewer | None:
    """Whose the token was within the last minute; see `access`."""
    digest = token_digest(token)
    known = _known()
    person = known.get(digest)
    if person is not None:
        notes_at_hand().remembered = digest
        return person
    person = queries.viewer_by_token(token, TokenKind.API)
    # Who is suspended would be refused without asking whether that is over.
    if person is not None and person.active:
        # Tokens are kept nowhere, not here either.
        known.put(digest, replace(person, token=""))
    return person


def _known() -> Remembered[Viewer]:
    known: Remembered[Viewer] = current_app.extensions["viewers"]
    return known


def _bearer(asked: Request) -> str | None:
    """The token of the Authorization header; None when the header is of another kind."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
