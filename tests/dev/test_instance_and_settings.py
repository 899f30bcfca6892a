"""What a development run keeps, and what it tells the product."""

import os
from pathlib import Path

import pytest
from dotenv import dotenv_values

from dev import run
from dev.instance import Instance, InstanceInUse, fingerprint
from dev.loopback import accepts, free_port, is_free
from dev.mail_catcher import MailCatcher
from dev.settings import (
    Ports,
    SettingRefused,
    as_env_file,
    choose_stripe,
    public_url,
    read_environment,
    usable_mail_server,
)

FORWARD_TO = "http://127.0.0.1:5000/api/payments/webhook"
TEST_KEY = "sk_test_" + "a1B2" * 6


def test_a_secret_is_made_once_and_only_we_may_read_it(tmp_path: Path) -> None:
    first = Instance(tmp_path / "instance")
    secret = first.secret("secret_key")
    first.release()

    again = Instance(tmp_path / "instance")

    assert len(secret) >= 32
    assert again.secret("secret_key") == secret
    assert again.secret("webhook_secret") != secret
    assert (tmp_path / "instance" / "secret_key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "instance").stat().st_mode & 0o777 == 0o700
    again.release()


def test_an_empty_secret_is_made_again(tmp_path: Path) -> None:
    instance = Instance(tmp_path)
    (tmp_path / "secret_key").write_text("\n")

    assert len(instance.secret("secret_key")) >= 32
    instance.release()


def test_two_runs_cannot_share_a_folder(tmp_path: Path) -> None:
    first = Instance(tmp_path)
    with pytest.raises(InstanceInUse, match=str(os.getpid())):
        Instance(tmp_path)
    first.release()
    Instance(tmp_path).release()


def test_a_database_is_prepared_again_when_its_sources_or_the_file_changed(tmp_path: Path) -> None:
    sources = tmp_path / "migrations"
    sources.mkdir()
    (sources / "one.py").write_text("one")
    instance = Instance(tmp_path / "instance")
    mark = fingerprint(sources)
    assert not instance.is_prepared(mark)

    instance.path("guesstheworth.sqlite3").write_text("data")
    instance.set_prepared(mark)
    assert instance.is_prepared(mark)

    (sources / "two.py").write_text("two")
    assert not instance.is_prepared(fingerprint(sources))

    instance.path("guesstheworth.sqlite3").unlink()
    assert not instance.is_prepared(mark)
    instance.release()


def test_the_environment_goes_before_the_file_and_empty_means_unset(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("PORT=6000\nHOST=\nPAYMENT_WINDOW_SECONDS=30\nPUBLIC_URL=http://x\n")

    read = read_environment({"PORT": "7000", "PUBLIC_URL": ""}, file)

    assert read == {"PORT": "7000", "PAYMENT_WINDOW_SECONDS": "30"}


def test_a_runs_settings_are_read_again_as_they_were(tmp_path: Path) -> None:
    given = {
        "SECRET_KEY": "it's \\ a # 'key'\\",
        "MAIL_DEFAULT_SENDER": 'Guess "The" Worth <no-reply@example.com>',
        "PORT": "6001",
        "MAIL_USERNAME": "",
        "PATH": "/bin",
    }
    instance = Instance(tmp_path / "instance")
    for port in ("6000", "6001"):
        file = instance.write_private("env", as_env_file(given | {"PORT": port}))
    kept = {name: value for name, value in given.items() if value and name != "PATH"}
    assert dotenv_values(file) == kept
    assert file.stat().st_mode & 0o777 == 0o600
    instance.release()


def test_without_a_key_the_sandbox_is_used() -> None:
    choice = choose_stripe({}, FORWARD_TO)
    assert choice.sandbox
    assert choice.notes == ()


def test_with_a_test_key_stripe_itself_is_used_and_forwarding_is_explained() -> None:
    choice = choose_stripe({"STRIPE_SECRET_KEY": TEST_KEY}, FORWARD_TO)
    text = "\n".join(choice.notes)
    assert not choice.sandbox
    assert f"stripe listen --forward-to {FORWARD_TO}" in text
    assert "STRIPE_WEBHOOK_SECRET" in text

    settled = choose_stripe(
        {"STRIPE_SECRET_KEY": TEST_KEY, "STRIPE_WEBHOOK_SECRET": "whsec_x"}, FORWARD_TO
    )
    assert f"stripe listen --forward-to {FORWARD_TO}" in "\n".join(settled.notes)
    assert "not set" not in "\n".join(settled.notes)


@pytest.mark.parametrize("key", ["sk_test_...", "sk_test_your_key_here", "changeme"])
def test_an_example_of_a_key_is_no_key(key: str) -> None:
    choice = choose_stripe({"STRIPE_SECRET_KEY": key}, FORWARD_TO)
    assert choice.sandbox
    assert "STRIPE_SECRET_KEY" in choice.notes[0]


@pytest.mark.parametrize("kind", ["sk", "rk"])
def test_a_live_key_is_refused(kind: str) -> None:
    with pytest.raises(SettingRefused, match="live key"):
        choose_stripe({"STRIPE_SECRET_KEY": f"{kind}_live_{'a' * 24}"}, FORWARD_TO)


@pytest.mark.parametrize(
    ("chosen", "port", "expected"),
    [
        ("", 5000, "http://127.0.0.1:5000"),
        ("http://localhost:5000", 5000, "http://localhost:5000"),
        ("http://localhost:5000", 5001, "http://127.0.0.1:5001"),
        ("https://shop.example", 5001, "https://shop.example"),
    ],
)
def test_the_public_address_follows_the_port_unless_it_is_elsewhere(
    chosen: str, port: int, expected: str
) -> None:
    assert public_url({"PUBLIC_URL": chosen}, port) == expected


def test_a_taken_port_is_replaced_and_said() -> None:
    with MailCatcher() as catcher:
        taken = catcher.smtp_port
        wanted = Ports(app=free_port(), mail_page=0, smtp=taken, sandbox=free_port())

        ports = wanted.made_free()

        assert ports.app == wanted.app
        assert ports.smtp != taken
        assert ports.mail_page != 0
        assert ports.moved_from(wanted) == [
            f"port {taken} for the SMTP is taken; using {ports.smtp}"
        ]
        assert accepts(taken)
        assert not is_free(taken)


def test_a_mail_server_counts_only_when_it_answers() -> None:
    with MailCatcher() as catcher:
        settings = {"MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(catcher.smtp_port)}
        assert usable_mail_server(settings)
    assert not usable_mail_server(settings)
    assert not usable_mail_server({})


def test_the_port_option_goes_before_the_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "6123")
    assert run.wanted_ports(None).app == 6123
    assert run.wanted_ports(6200).app == 6200
    assert run.wanted_ports(0) == Ports(0, 0, 0, 0)
