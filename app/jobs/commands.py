"""`flask sweep`."""

import click
from flask import Flask

from app.jobs.service import sweep


def register(app: Flask) -> None:
    """Add the commands of this package."""
    app.cli.add_command(sweep_command)


@click.command("sweep")
def sweep_command() -> None:
    """Do one pass of everything periodic, in the foreground.

    Due expiries, reconciliation with Stripe, ended artworks, unsent mail. Prints what it did.
    Waits up to 30 seconds for a sweep that is at work already.
    """
    report = sweep(patience_seconds=30)
    for line in report.lines():
        click.echo(line)
    if report.failures:
        raise SystemExit(1)
