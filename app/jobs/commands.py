"""`flask sweep` and `flask reconcile`."""

import click
from flask import Flask
from flask.cli import with_appcontext

from app.jobs.service import RecoveryUnderWay, recover, sweep
from app.payments import service as payments


def register(app: Flask) -> None:
    """Add the commands of this package."""
    app.cli.add_command(sweep_command)
    app.cli.add_command(_reconcile)


@click.command("sweep")
def sweep_command() -> None:
    """Do one pass of everything periodic, in the foreground.

    Due expiries, reconciliation with Stripe, ended artworks, unsent mail, old
    sign-ins and unused pictures. Prints what it did.
    Waits up to 30 seconds for a sweep that is at work already.
    """
    report = sweep(patience_seconds=30)
    for line in report.lines():
        click.echo(line)
    if report.failures:
        raise SystemExit(1)


@click.command("reconcile")
@with_appcontext
def _reconcile() -> None:
    """After a restore: find again what Stripe knows and the backup does not; then open bids.

    The worker does the same by itself; this shows it happening. Exits with 1 while Stripe cannot
    be reached: bids stay closed then.
    """
    if not payments.recovering():
        click.echo("No restored backup waits for this: bids are open.")
        return
    try:
        report = recover(click.echo)
    except RecoveryUnderWay:
        raise click.ClickException("a worker is at it already.") from None
    except (payments.GatewayUnavailable, payments.GatewayRefused) as away:
        raise click.ClickException(
            f"Stripe gave no answer ({away}). Bids stay closed; run this again."
        ) from None
    for line in report.lines():
        click.echo(line)
    click.echo("Bids are open again.")
