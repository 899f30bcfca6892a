"""Settings: read from the environment once, checked all together, frozen."""

import os
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

from app import setting_rules
from app.setting_rules import unsafe_mixes, wrong

ROOT = Path(__file__).resolve().parent.parent
INSTANCE = ROOT / "instance"

EXAMPLES = {
    "SECRET_KEY": "the output of: python3 -c 'import secrets; print(secrets.token_hex(32))'",
    "PUBLIC_URL": "https://bids.example.com",
    "HOST": "127.0.0.1",
    "PORT": "5000",
    "WEB_CONCURRENCY": "2",
    "DATABASE_URL": "postgresql://user:password@127.0.0.1/guesstheworth",
    "REDIS_URL": "redis://:password@127.0.0.1:6379/0",
    "STRIPE_SECRET_KEY": "sk_test_… from the Stripe dashboard, Developers, API keys",
    "STRIPE_WEBHOOK_SECRET": "whsec_… from the Stripe dashboard, Developers, Webhooks",
    "STRIPE_API_BASE": "http://127.0.0.1:12111",
    "PAYMENT_WINDOW_SECONDS": "600",
    "SWEEP_INTERVAL_SECONDS": "15",
    "MAIL_SERVER": "127.0.0.1",
    "MAIL_PORT": "587",
    "MAIL_USE_TLS": "1",
    "MAIL_DEFAULT_SENDER": "Guess The Worth <no-reply@example.com>",
    "ALLOW_LIVE_PAYMENTS": "0",
    "TRUSTED_PROXIES": "1",
    "RATELIMIT_ENABLED": "1",
    "RATELIMIT_FACTOR": "1",
    "LOG_FORMAT": "text",
    "UPLOAD_DIR": "/var/lib/guesstheworth/uploads",
    "UNPAID_WIN_LIMIT": "3",
    "UNPAID_WIN_DAYS": "30",
    "BIDDING_SUSPENSION_DAYS": "7",
    "METRICS_TOKEN": "a long random text",
    "SLOW_QUERY_SECONDS": "0.5",
    "SLOW_REQUEST_SECONDS": "2",
    "CRASH_POINTS": "unset, unless a test is to see this process die",
}

# A day, less the margin that a session's backstop needs: Stripe accepts at most 24 hours.
_LONGEST_WINDOW = 22 * 3600


class SettingsError(Exception):
    """Some settings are wrong; `problems` holds a line each: name, what is wrong, an example."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems

    def report(self, program: str) -> str:
        """What to tell the person who started `program`."""
        return "\n".join(
            [f"{program} cannot start. Settings to mend:", *(f"  {line}" for line in self.problems)]
        )


class Settings(BaseSettings):
    """Every setting of the product. Values never appear in `repr`: some are secrets."""

    model_config = SettingsConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    secret_key: str = Field(min_length=16, repr=False)
    public_url: str
    host: str = "127.0.0.1"
    port: int = Field(5000, ge=1, le=65535)
    web_concurrency: int = Field(1, ge=1, le=64)
    database_url: str = Field(f"sqlite:///{INSTANCE / 'guesstheworth.sqlite3'}", repr=False)
    redis_url: str | None = Field(None, repr=False)
    stripe_secret_key: str = Field(repr=False)
    stripe_webhook_secret: str = Field(repr=False)
    stripe_api_base: str | None = None
    payment_window_seconds: int = Field(600, ge=1, le=_LONGEST_WINDOW)
    sweep_interval_seconds: int = Field(15, ge=1, le=86_400)
    mail_server: str = "127.0.0.1"
    mail_port: int = Field(25, ge=1, le=65535)
    mail_use_tls: bool = False
    mail_username: str | None = None
    mail_password: str | None = Field(None, repr=False)
    mail_default_sender: str = ""
    allow_live_payments: bool = False
    trusted_proxies: int = Field(0, ge=0, le=8)
    ratelimit_enabled: bool = True
    ratelimit_factor: int = Field(1, ge=1, le=1000)
    log_format: Literal["text", "json"] = "text"
    slow_query_seconds: float = Field(0.5, ge=0.001, le=3600)
    slow_request_seconds: float = Field(2.0, ge=0.001, le=3600)
    upload_dir: Path = INSTANCE / "uploads"
    unpaid_win_limit: int = Field(3, ge=1, le=1000)
    unpaid_win_days: int = Field(30, ge=1, le=3650)
    bidding_suspension_days: int = Field(7, ge=1, le=3650)
    metrics_token: str | None = Field(None, repr=False)
    crash_points: Path | None = None

    _secret = field_validator("secret_key")(setting_rules.secret)
    _origin = field_validator("public_url")(setting_rules.http_address)
    _hosts = field_validator("host", "mail_server")(setting_rules.host)
    _database = field_validator("database_url")(setting_rules.database_address)
    _from = field_validator("mail_default_sender")(setting_rules.sender)

    @field_validator("stripe_api_base")
    @classmethod
    def _base(cls, value: str | None) -> str | None:
        return setting_rules.http_address(value) if value else None

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str | None) -> str | None:
        return setting_rules.redis_address(value) if value else None

    @field_validator("stripe_secret_key")
    @classmethod
    def _stripe_key(cls, value: str) -> str:
        if not value.startswith(("sk_test_", "rk_test_", "sk_live_", "rk_live_")) or len(value) < 9:
            raise wrong("must be a secret key: it begins with sk_test_ (or sk_live_)")
        return value

    @field_validator("stripe_webhook_secret")
    @classmethod
    def _webhook_secret(cls, value: str) -> str:
        if not value.startswith("whsec_") or len(value) < 12:
            raise wrong("must be a signing secret: it begins with whsec_")
        return value

    @field_validator("metrics_token", "mail_username", "mail_password")
    @classmethod
    def _empty_is_unset(cls, value: str | None) -> str | None:
        return value or None

    @model_validator(mode="wrap")
    @classmethod
    def _mixes(cls, data: Any, handler: ModelWrapValidatorHandler["Settings"]) -> "Settings":
        """Refuse what is right alone and wrong together, along with all that is wrong alone."""
        mixes = unsafe_mixes({name: str(value) for name, value in dict(data).items()})
        problems = [InitErrorDetails(type=wrong(line), loc=(), input=None) for line in mixes]
        try:
            made = handler(data)
        except ValidationError as failure:
            alone = [
                InitErrorDetails(
                    type=PydanticCustomError(error["type"], "{said}", {"said": error["msg"]}),
                    loc=error["loc"],
                    input=None,
                )
                for error in failure.errors(include_input=False, include_url=False)
            ]
            raise ValidationError.from_exception_data("Settings", alone + problems) from None
        if problems:
            raise ValidationError.from_exception_data("Settings", problems)
        return made

    @property
    def live_payments(self) -> bool:
        """Whether the Stripe key moves real money."""
        return "_live_" in self.stripe_secret_key[:8]

    @property
    def https(self) -> bool:
        """Whether people reach the product over TLS."""
        return self.public_url.startswith("https://")

    @property
    def sender(self) -> str:
        """The From address of every mail."""
        host = urlsplit(self.public_url).hostname or "localhost"
        return self.mail_default_sender or f"Guess The Worth <no-reply@{host}>"


class _OnThisMachine(Settings):
    """Settings of a process that runs here: what they name must be there, or can be made."""

    @field_validator("upload_dir")
    @classmethod
    def _made(cls, value: Path) -> Path:
        return _folder(value)

    @field_validator("database_url")
    @classmethod
    def _openable(cls, value: str) -> str:
        # SQLite's own parameters may make another file of it.
        if not value.startswith("sqlite:///") or value.startswith("sqlite:///file:"):
            return value
        name, mark, parameters = value.removeprefix("sqlite:///").partition("?")
        # Where Flask-SQLAlchemy looks for it. Whoever else opens it would look where they are.
        file = INSTANCE / name
        if file.parent == INSTANCE:
            _folder(INSTANCE)
        if not os.path.isdir(file.parent):
            raise wrong("names a file in a folder that does not exist")
        if os.path.isdir(file):
            raise wrong("names a folder; it must be a file")
        return f"sqlite:///{file}{mark}{parameters}"


def _folder(place: Path) -> Path:
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as failure:
        why = (failure.strerror or type(failure).__name__).lower()
        raise wrong(f"names a folder that cannot be made ({why})") from None
    return place


def read_settings(environment: dict[str, str] | None = None, **given: Any) -> Settings:
    """The settings from the environment, with `.env` beside `wsgi.py` behind it.

    `ENV_FILE` names another file than `.env`. `given` (lower-case names) overrides both. From the
    environment of this process, folders are looked for too, and that of the pictures is made.
    Raises SettingsError with every problem at once.
    """
    if environment is None:
        env_file: str | None = os.environ.get("ENV_FILE", str(ROOT / ".env"))
        source: dict[str, Any] = given
    else:
        env_file = None
        known = {name.lower(): value for name, value in environment.items()}
        source = {name: known[name] for name in Settings.model_fields if known.get(name)} | given
    try:
        if environment is None:
            return _OnThisMachine(_env_file=env_file, **source)
        return Settings.model_validate(source)
    except ValidationError as failure:
        raise SettingsError(_problems(failure)) from None


def _problems(failure: ValidationError) -> list[str]:
    lines = []
    for error in failure.errors(include_input=False, include_url=False):
        name = str(error["loc"][0]).upper() if error["loc"] else ""
        said = "is missing" if error["type"] == "missing" else error["msg"]
        if not name:
            name, _, said = said.partition(": ")
        example = EXAMPLES.get(name)
        lines.append(f"{name}: {said}" + (f"; example: {example}" if example else ""))
    # The checks of the whole may be made twice, and say the same each time.
    return list(dict.fromkeys(lines))
