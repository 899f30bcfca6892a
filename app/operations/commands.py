"""`flask doctor`, `flask backup` and `flask restore`."""

import json
from dataclasses import asdict
from pathlib import Path

import click
from flask import Flask
from flask.cli import with_appcontext

from app.core.redaction import redact
from app.operations import doctor, surroundings
from app.operations.archive import ArchiveRefused
from app.operations.dumps import DumpFailed
from app.operations.saving import RestoreRefused, RestoreUnfinished, restore_backup, take_backup


def register(app: Flask) -> None:
    """Add the commands of this package to `flask`."""
    app.cli.add_command(_doctor)
    app.cli.add_command(_backup)
    app.cli.add_command(_restore)


CHECKS: tuple[doctor.Check, ...] = (
    doctor.schema,
    doctor.database,
    doctor.search,
    doctor.disk,
    doctor.uploads,
    doctor.secret_key,
    doctor.public_url,
    doctor.proxies,
    surroundings.redis,
    surroundings.worker,
    surroundings.stripe,
    surroundings.clock,
    surroundings.webhooks,
    surroundings.drift,
    surroundings.alerts,
    surroundings.bidding,
    surroundings.mail,
)


@click.command("doctor")
@click.option("--json", "as_json", is_flag=True, help="The same for a program.")
@with_appcontext
def _doctor(as_json: bool) -> None:
    """Check the settings and everything around them; say how to mend what is not well.

    Sends no mail and prints no secret. Exits with 1 when a check fails, 2 when the settings are
    wrong.
    """
    found = [doctor.ok("settings", "all can be used")]
    if not as_json:
        _say(found[0])
    for finding in doctor.examine(CHECKS):
        found.append(finding)
        if not as_json:
            _say(finding)
    grave = [finding for finding in found if finding.level != doctor.Level.OK]
    failed = any(finding.level == doctor.Level.FAIL for finding in grave)
    if as_json:
        click.echo(_as_json(found))
    elif not grave:
        click.echo("Everything is well.")
    if failed:
        raise SystemExit(1)


def tell_wrong_settings(arguments: list[str], problems: list[str]) -> None:
    """What `doctor --json` prints when no application can be made; nothing for other commands."""
    if "doctor" in arguments and "--json" in arguments:
        click.echo(_as_json(doctor.wrong_settings(problems)))


def _as_json(found: list[doctor.Finding]) -> str:
    failed = any(finding.level == doctor.Level.FAIL for finding in found)
    return json.dumps({"ok": not failed, "checks": [_shown(each) for each in found]})


def _shown(finding: doctor.Finding) -> dict[str, str]:
    return {name: redact(value) for name, value in asdict(finding).items()}


def _say(finding: doctor.Finding) -> None:
    click.echo(f"{finding.level.value:<5} {finding.check:<11} {redact(finding.said)}")
    if finding.mend:
        click.echo(f"{'':<17} mend: {redact(finding.mend)}")


@click.command("backup")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@with_appcontext
def _backup(folder: Path) -> None:
    """Save the database and the pictures as one file in FOLDER, while the product runs.

    The file holds people's data and password hashes: only its owner may read it. The settings are
    not in it. PostgreSQL needs pg_dump on PATH. Exits with 1 when nothing was saved.
    """
    try:
        saved = take_backup(folder, click.echo)
    except (DumpFailed, OSError) as failure:
        raise click.ClickException(f"nothing was saved: {failure}") from None
    rows = sum(saved.manifest.counts.values())
    size = saved.file.stat().st_size / 1_000_000
    if saved.missing:
        click.echo(f"{saved.missing} files were replaced in the meantime and left out.")
    click.echo(
        f"Saved {rows} rows and {len(saved.manifest.pictures)} files of pictures "
        f"({size:.1f} MB) to {saved.file}"
    )


@click.command("restore")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--replace", is_flag=True, help="Overwrite a database that is not empty.")
@with_appcontext
def _restore(file: Path, replace: bool) -> None:
    """Bring back what `backup` saved in FILE. Stop every web process and worker first.

    The whole file is checked before anything is overwritten. Bids wait afterwards until the sales
    since the backup were looked up at Stripe: by the worker, or by `flask reconcile`. Exits with 1
    when nothing was restored.
    """
    try:
        manifest = restore_backup(file, click.echo, replace=replace)
    except (ArchiveRefused, RestoreRefused, DumpFailed, OSError) as failure:
        raise click.ClickException(f"nothing was restored: {failure}") from None
    except RestoreUnfinished as failure:
        raise click.ClickException(
            f"the restore broke off ({failure}). Start nothing; run it again with --replace."
        ) from None
    click.echo(f"Restored the backup of {manifest.taken_at}. Start the web processes and a worker.")
    click.echo("Bids wait until Stripe was asked what was sold since: the worker does that, or")
    click.echo("  flask --app wsgi reconcile")
