"""`flask create-user`."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask

from app.accounts.models import User
from tests.databases import ROOT, environment
from tests.people import anonymous


def create_user(app: Flask, *arguments: str, typed: str = "") -> Result:
    return app.test_cli_runner().invoke(args=["create-user", *arguments], input=typed)


@pytest.mark.parametrize("role", ["ADMIN", "SELLER", "buyer"])
def test_an_account_of_any_role_is_made(
    app: Flask, user_row: Callable[[str], User], role: str
) -> None:
    done = create_user(
        app, "Ada@Example.com", "--name", "Ada", "--role", role, "--password-stdin",
        typed="correct horse\n",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    user = user_row("ada@example.com")
    assert (user.name, user.role) == ("Ada", role.upper())
    assert f"Created {role.upper()} ada@example.com" in done.output
    assert "correct horse" not in done.output
    answer = anonymous(app).submit("/login", email="ada@example.com", password="correct horse")
    assert answer.status_code == 303


def test_the_password_is_asked_for_twice(app: Flask, user_row: Callable[[str], User]) -> None:
    asked = ("ada@example.com", "--name", "Ada", "--role", "ADMIN")
    typed = "correct horse\nanother horse\ncorrect horse\ncorrect horse\n"
    done = create_user(app, *asked, typed=typed)
    assert done.exit_code == 0, done.output
    assert "do not match" in done.output
    assert user_row("ada@example.com").role == "ADMIN"


@pytest.mark.parametrize(
    ("email", "name", "typed", "said"),
    [
        ("ada", "Ada", "correct horse", "email: Enter an email address such as"),
        ("ada@example.com", "", "correct horse", "name: Enter a name of 1 to 80 characters"),
        ("ada@example.com", "x" * 81, "correct horse", "name: Enter a name with at most 80"),
        ("ada@example.com", "Ada", "", "password: Enter a password of 10 to 128"),
        ("ada@example.com", "Ada", "x" * 129, "password: Enter a password of 10 to 128"),
        ("ada@example.com", "Ada", "x" * 9999, "password: Enter a password of 10 to 128"),
        ("ada@example.com", "Ada", "ada@example.com", "password: Choose a password that is not"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_made(
    app: Flask,
    user_row: Callable[[str], User | None],
    email: str,
    name: str,
    typed: str,
    said: str,
) -> None:
    asked = (email, "--name", name, "--role", "BUYER", "--password-stdin")
    done = create_user(app, *asked, typed=f"{typed}\n")
    assert done.exit_code == 1
    assert said in done.output
    assert user_row("ada@example.com") is None


def test_a_taken_address_is_said(app: Flask) -> None:
    asked = ("ada@example.com", "--name", "Ada", "--role", "BUYER", "--password-stdin")
    assert create_user(app, *asked, typed="correct horse\n").exit_code == 0
    done = create_user(app, *asked, typed="correct horse\n")
    assert done.exit_code == 1
    assert "ada@example.com has an account already" in done.output


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("ada@example.com",),
        ("ada@example.com", "--name", "Ada"),
        ("ada@example.com", "--role", "ADMIN"),
        ("ada@example.com", "--name", "Ada", "--role", "OWNER"),
    ],
)
def test_a_command_written_wrongly_exits_with_2(app: Flask, arguments: tuple[str, ...]) -> None:
    done = create_user(app, *arguments, "--password-stdin", typed="correct horse\n")
    assert done.exit_code == 2


def test_the_command_runs_as_a_deployer_types_it(new_database: Callable[[], str]) -> None:
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "create-user", "ada@example.com"]
    surroundings = environment(DATABASE_URL=new_database())

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, "--name", "Ada", "--role", "ADMIN", "--password-stdin"],
            input="correct horse\n",
            env=surroundings,
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    first, second = run(), run()
    assert first.returncode == 0, first.stderr
    assert first.stdout.startswith("Created ADMIN ada@example.com")
    assert (second.returncode, second.stdout) == (1, "")
    assert "Error: ada@example.com has an account already." in second.stderr
