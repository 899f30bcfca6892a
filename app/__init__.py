"""Guess The Worth: the one place that wires settings, extensions, packages and errors together."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from app import config


class _Sessions(SecureCookieSessionInterface):
    """The browser's session; without a cookie nothing is made that could read one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        # Flask's own makes one for each request; ours is made of settings that do not change.
        if "session_signing" not in app.extensions:
            app.extensions["session_signing"] = super().get_signing_serializer(app)
        signing: URLSafeTimedSerializer | None = app.extensions["session_signing"]
        return signing


class _Product(Flask):
    session_interface = _Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # None of ours is a coroutine, and Flask asks it of each hook in each request.
        return func


def create_app(settings: config.Settings | None = None) -> Flask:
    """The application for `settings` (from the environment when not given).

    Raises SettingsError when a setting is missing or wrong.
    """
    settings = settings or config.read_settings()
    app = _Product(
        __name__,
        template_folder=str(config.ROOT / "templates"),
        instance_path=str(config.INSTANCE),
        static_folder="static",
    )
    configure(app, settings)
    from app import wiring

    wiring.bind_extensions(app, settings)
    wiring.register_packages(app)
    return app


def configure(app: Flask, settings: config.Settings) -> None:
    """Turn the settings into Flask's and the extensions' own."""
    config.INSTANCE.mkdir(parents=True, exist_ok=True)
    settings.upload_dir.mkdir(parents=True, exist_ok=True)
    sqlite = settings.database_url.startswith("sqlite")
    # A statement that fails is logged; what it was given, a threshold among it, must not be.
    engine: dict[str, object] = {
        "hide_parameters": True,
        "pool_size": 20,
        "max_overflow": 0,
        "pool_timeout": 5,
    }
    if sqlite:
        engine |= {"connect_args": {"timeout": 5, "check_same_thread": False}}
    else:
        engine |= {
            # `app.core.transaction` asks for one where something is written.
            "isolation_level": "AUTOCOMMIT",
            "skip_autocommit_rollback": True,
            "connect_args": {
                "connect_timeout": 5,
                "tcp_user_timeout": 10_000,
                "keepalives_idle": 30,
                "options": "-c statement_timeout=10000"
                " -c idle_in_transaction_session_timeout=20000",
            },
        }
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        # Of everything but pictures: Stripe's largest event has 256 kB, our largest form 60 kB.
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine,
        SESSION_COOKIE_NAME="__Host-session" if settings.https else "session",
        SESSION_COOKIE_SECURE=settings.https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        # The cookie names a sign-in that does not move on with each visit.
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_CHECK_DEFAULT=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        MAIL_SERVER=settings.mail_server,
        MAIL_PORT=settings.mail_port,
        MAIL_USE_TLS=settings.mail_use_tls,
        MAIL_USERNAME=settings.mail_username,
        MAIL_PASSWORD=settings.mail_password,
        MAIL_DEFAULT_SENDER=settings.sender,
        API_TITLE="Guess The Worth",
        API_VERSION="v1",
        OPENAPI_VERSION="3.1.0",
        TEMPLATES_AUTO_RELOAD=False,
    )
