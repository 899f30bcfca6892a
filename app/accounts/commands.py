"""Accounts from the shell."""

import sys

import click
from flask import Flask
from flask.cli import with_appcontext

from app.accounts import rules, service
from app.accounts.states import Role
from app.core.errors import Conflict, Invalid


def register(app: Flask) -> None:
    """Add the commands of this package to `flask`."""
    app.cli.add_command(_create_user)


@click.command("create-user")
@click.argument("email")
@click.option("--name", required=True, help="The name that others see.")
@click.option(
    "--role",
    required=True,
    type=click.Choice([role.value for role in Role], case_sensitive=False),
    help="What the account may do.",
)
@click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, one line."
)
@with_appcontext
def _create_user(email: str, name: str, role: str, password_stdin: bool) -> None:
    """Create an account with the address EMAIL. Asks for the password.

    Exits with 1 when the account cannot be created, 2 when the command is written wrongly.
    """
    password = _password_from_stdin() if password_stdin else _password_asked_for()
    try:
        person = service.create_user(email, name, password, Role(role))
    except Invalid as refused:
        lines = [f"{field}: {text}" for field, said in refused.errors.items() for text in said]
        raise click.ClickException("\n  ".join(["the account was not created.", *lines])) from None
    except Conflict:
        raise click.ClickException(f"{email.strip()} has an account already.") from None
    click.echo(f"Created {person.role} {person.email} (id {person.id}).")


def _password_from_stdin() -> str:
    try:
        # A little more than is allowed, so that a longer one is refused instead of cut.
        line = sys.stdin.readline(rules.PASSWORD_MAXIMUM * 4)
    except UnicodeDecodeError:
        raise click.ClickException("the password on standard input is not text.") from None
    return line.rstrip("\r\n")


def _password_asked_for() -> str:
    hidden = f"Password ({rules.PASSWORD_MINIMUM} to {rules.PASSWORD_MAXIMUM} characters)"
    return str(click.prompt(hidden, hide_input=True, confirmation_prompt=True))
