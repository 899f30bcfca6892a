"""Accounts for programs: register, take and give back a token, who am I."""

from typing import Any

from flask import session

from app.accounts import schemas, service
from app.accounts.queries import Person
from app.accounts.states import TokenKind
from app.core.access import Viewer, Who, access, viewer
from app.core.api import ApiBlueprint, refuses

blueprint = ApiBlueprint(
    "accounts_api", __name__, url_prefix="/api/auth", description="Accounts and bearer tokens."
)


@blueprint.post("/register")
@access(Who.ANYONE)
@blueprint.arguments(schemas.RegisterIn)
@blueprint.response(201, schemas.UserOut)
@refuses(service.EmailTaken)
def register(body: dict[str, Any]) -> Person:
    """Open an account

    A buyer unless `role` says `SELLER`. 409 `email_taken` when the address has an account.
    """
    return service.register_user(**body)


@blueprint.post("/token")
@access(Who.ANYONE)
@blueprint.arguments(schemas.CredentialsIn)
@blueprint.response(201, schemas.TokenOut)
@refuses(service.WrongCredentials)
def create_token(body: dict[str, Any]) -> dict[str, Any]:
    """Take a bearer token

    It lasts 90 days. 401 when the address or the password is wrong; which one is not said.
    """
    person, token = service.sign_in(
        body["email"], body["password"], TokenKind.API, "Taken through the API"
    )
    return {"token": token, "user": person}


@blueprint.delete("/token")
@access(Who.USER, while_suspended=True)
@blueprint.response(204)
def delete_token() -> None:
    """Give back the token used

    With a browser's cookie instead of a token, the browser is signed out.
    """
    person = viewer()
    service.sign_out(person.id, person.token_id)
    if not person.by_bearer:
        session.clear()


@blueprint.get("/me")
@access(Who.USER, while_suspended=True)
@blueprint.response(200, schemas.UserOut)
def me() -> Viewer:
    """Who is signed in"""
    return viewer()
