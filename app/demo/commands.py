"""The demo from the shell."""

import click
from flask import Flask
from flask.cli import with_appcontext

from app.accounts.states import Role
from app.demo.catalogue import DEMO_PASSWORD
from app.demo.service import PEOPLE, DemoRefused, seed_demo


def register(app: Flask) -> None:
    """Add the commands of this package to `flask`."""
    app.cli.add_command(_seed_demo)


@click.command("seed-demo")
@with_appcontext
def _seed_demo() -> None:
    """Add demo people, artworks with pictures, and bids; safe to run twice.

    Exits with 1 where the demo does not belong.
    """
    try:
        report = seed_demo(click.echo)
    except DemoRefused as refused:
        raise click.ClickException(f"no demo here: {refused}") from None
    click.echo(report)
    click.echo(f"Everyone logs in with the password {DEMO_PASSWORD}")
    for role in (Role.SELLER, Role.BUYER, Role.ADMIN):
        emails = [person.email for person, theirs in PEOPLE if theirs == role]
        click.echo(f"  {role.value.lower():<7} {', '.join(emails)}")
