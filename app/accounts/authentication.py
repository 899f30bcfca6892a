"""Who a request comes from: the browser's session, or a bearer token."""

from flask import Request, request
from flask_login import LoginManager

from app.accounts import queries
from app.accounts.states import TokenKind
from app.core.access import Viewer


def init_login(login_manager: LoginManager) -> None:
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


def _viewer_of_session(token: str) -> Viewer | None:
    if _bearer(request) is not None:
        return None
    return queries.viewer_by_token(token, TokenKind.BROWSER)


def _viewer_of_bearer(asked: Request) -> Viewer | None:
    token = _bearer(asked)
    return queries.viewer_by_token(token, TokenKind.API) if token else None


def _bearer(asked: Request) -> str | None:
    """The token of the Authorization header; None when the header is of another kind."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None
