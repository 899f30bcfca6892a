"""What `make run` tells the product, from the environment, `.env` and what it starts itself."""

import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from dotenv import dotenv_values

from dev.loopback import LOOPBACK, free_port

# The length is that of the shortest real key; an example in a .env file is none.
REAL_TEST_KEY = re.compile(r"(sk|rk)_test_[A-Za-z0-9]{16,}")
LOOPBACK_NAMES = {"127.0.0.1", "localhost", "::1"}


class SettingRefused(ValueError):
    """A setting cannot be used for development; the text says which, why, and what to do."""


@dataclass(frozen=True)
class Ports:
    """Where everything of a run listens, on the loopback address."""

    app: int = 5000
    mail_page: int = 8025
    smtp: int = 1025
    sandbox: int = 12111

    def made_free(self) -> "Ports":
        """Return the same ports, with another free one for each that is taken or 0."""
        return replace(self, **{name: free_port(port) for name, port in vars(self).items()})

    def moved_from(self, wanted: "Ports") -> list[str]:
        """Say which ports had to be others than wanted."""
        names = {"app": "app", "mail_page": "mail page", "smtp": "SMTP", "sandbox": "sandbox"}
        return [
            f"port {before} for the {names[name]} is taken; using {getattr(self, name)}"
            for name, before in vars(wanted).items()
            if before and before != getattr(self, name)
        ]


@dataclass(frozen=True)
class StripeChoice:
    """Which Stripe the run talks to: our sandbox, or the one that the settings name."""

    sandbox: bool
    notes: tuple[str, ...] = ()


def read_environment(environment: Mapping[str, str], dotenv: Path) -> dict[str, str]:
    """Return the environment completed from a `.env` file; an empty value counts as none."""
    from_file = dotenv_values(dotenv) if dotenv.is_file() else {}
    merged = {**{name: value or "" for name, value in from_file.items()}, **environment}
    return {name: value for name, value in merged.items() if value}


def as_env_file(environment: Mapping[str, str]) -> str:
    """Return the product's settings of an environment as the text of a `.env` file."""
    example = (Path(__file__).resolve().parent.parent / ".env.example").read_text()
    names = re.findall(r"^#?([A-Z_]+)=", example, re.M)
    quoted = {
        name: value.replace("\\", "\\\\").replace("'", "\\'")
        for name in names
        if (value := environment.get(name))
    }
    return "".join(f"{name}='{value}'\n" for name, value in quoted.items())


def choose_stripe(environment: Mapping[str, str], forward_to: str) -> StripeChoice:
    """Decide between the sandbox and Stripe itself; raises SettingRefused on a live key."""
    key = environment.get("STRIPE_SECRET_KEY", "")
    if re.match(r"(sk|rk)_live_", key):
        raise SettingRefused(
            "STRIPE_SECRET_KEY is a live key. `make run` is for trying things out and takes test "
            "keys only: put one that begins with sk_test_ into .env, or none for the sandbox."
        )
    if REAL_TEST_KEY.fullmatch(key):
        notes = ["Payments go to Stripe itself, in test mode, with the key from your settings."]
        forward = f"stripe listen --forward-to {forward_to}"
        if environment.get("STRIPE_WEBHOOK_SECRET", "").startswith("whsec_"):
            notes.append(f"For Stripe's webhooks to arrive, keep this running:  {forward}")
        else:
            notes += [
                "STRIPE_WEBHOOK_SECRET is not set, so webhooks will be refused; sales are still",
                "finished by the sweep. To receive webhooks, run this in another terminal:",
                f"    {forward}",
                "then put the whsec_… that it prints into .env as STRIPE_WEBHOOK_SECRET and",
                "start again.",
            ]
        return StripeChoice(False, tuple(notes))
    if key:
        return StripeChoice(
            True,
            ("STRIPE_SECRET_KEY does not look like a test key (sk_test_…): using the sandbox.",),
        )
    return StripeChoice(True)


def public_url(environment: Mapping[str, str], port: int) -> str:
    """Return the address that people use: the one that was set, unless its port is another.

    A tunnel's name is left alone; an address of this machine must carry the port in use.
    """
    chosen = environment.get("PUBLIC_URL", "")
    parts = urlsplit(chosen)
    if chosen and parts.hostname not in LOOPBACK_NAMES:
        return chosen
    if chosen and parts.scheme == "http" and parts.port == port:
        return chosen
    return f"http://{LOOPBACK}:{port}"


def reachable(host: str, port: int) -> bool:
    """Tell whether something listens at this address."""
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def usable_redis(environment: Mapping[str, str]) -> bool:
    """Tell whether REDIS_URL is set and something answers there."""
    parts = urlsplit(environment.get("REDIS_URL", ""))
    return bool(parts.hostname) and reachable(parts.hostname or "", parts.port or 6379)


def usable_mail_server(environment: Mapping[str, str]) -> bool:
    """Tell whether MAIL_SERVER is set and something answers there."""
    host = environment.get("MAIL_SERVER", "")
    port = environment.get("MAIL_PORT", "25")
    return bool(host) and port.isdigit() and reachable(host, int(port))
