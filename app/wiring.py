"""The application: settings, extensions, packages and listeners, bound to one another."""

from collections.abc import Callable
from typing import Any

import flask_smorest
from flask import Flask, Request, Response
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer
from werkzeug.middleware.proxy_fix import ProxyFix

from app.accounts import api as accounts_api
from app.accounts import authentication
from app.accounts import commands as accounts_commands
from app.accounts import pages as accounts_pages
from app.admin import api as admin_api
from app.admin import pages as admin_pages
from app.artworks import api as artworks_api
from app.artworks import favourite_pages, favourites_api
from app.artworks import pages as artworks_pages
from app.bidding import api as bidding_api
from app.bidding import pages as bidding_pages
from app.bidding import service as bidding
from app.config import INSTANCE, ROOT, Settings
from app.core.access import Who, access
from app.core.extensions import csrf, db, login_manager, mail, migrate
from app.core.jobs import connect_redis
from app.core.lanes import init_lanes
from app.core.transaction import init_database
from app.dashboards import api as dashboards_api
from app.dashboards import pages as dashboards_pages
from app.demo import commands as demo_commands
from app.jobs import commands as jobs_commands
from app.jobs import service as jobs
from app.notifications import service as notifications
from app.operations import commands as operations_commands
from app.payments import api as payments_api
from app.payments import pages as payments_pages
from app.payments import service as payments
from app.realtime import service as realtime
from app.web import api_pages, health, metrics, showcase
from app.web import pages as web_pages
from app.web.answers import Answer, Asked
from app.web.api_caching import VARIES, init_api_caching
from app.web.api_description import describe
from app.web.csrf import init_csrf
from app.web.errors import init_errors
from app.web.filters import init_filters
from app.web.fragments import init_fragments
from app.web.identifiers import init_identifiers
from app.web.limits import init_limits, limit_routes
from app.web.logs import init_logs, init_slow_queries
from app.web.request_ids import init_request_ids
from app.web.security_headers import init_security_headers
from app.web.static_files import init_static_files
from app.web.templates import init_templates
from app.web.unread_bodies import UnreadBodies

_PAGES = (
    accounts_pages,
    artworks_pages,
    favourite_pages,
    payments_pages,
    bidding_pages,
    dashboards_pages,
    admin_pages,
    web_pages,
    api_pages,
    showcase,
    health,
    metrics,
)
_APIS = (
    accounts_api,
    artworks_api,
    favourites_api,
    payments_api,
    bidding_api,
    dashboards_api,
    admin_api,
)
_COMMANDS = (accounts_commands, demo_commands, jobs_commands, operations_commands)
# What is recorded in the same transaction comes in this order: a bid is released before the mail
# about it is written.
_LISTENERS = (payments, bidding, notifications, realtime, jobs)


class _Sessions(SecureCookieSessionInterface):
    """The browser's session; without a cookie nothing is made that could read one."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        # Flask's own puts together a cookie's options, and takes `Vary` apart, for each answer.
        told = None if session.modified else response.headers.get("Vary", "")
        if told == "" and session.accessed:
            response.headers.add("Vary", "Cookie")
        elif told != VARIES:
            super().save_session(app, session, response)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        # Flask's own makes one for each request; ours is made of settings that do not change.
        if "session_signing" not in app.extensions:
            app.extensions["session_signing"] = super().get_signing_serializer(app)
        signing: URLSafeTimedSerializer | None = app.extensions["session_signing"]
        return signing


class Product(Flask):
    """Flask, without what it does for each request that none of ours needs."""

    request_class = Asked
    response_class = Answer
    session_interface = _Sessions()

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        # None of ours is a coroutine, and Flask asks it of each hook in each request.
        return func


def configure(app: Flask, settings: Settings) -> None:
    """Turn the settings into Flask's and the extensions' own."""
    INSTANCE.mkdir(parents=True, exist_ok=True)
    settings.upload_dir.mkdir(parents=True, exist_ok=True)
    sqlite = settings.database_url.startswith("sqlite")
    # A statement that fails is logged; what it was given, a threshold among it, must not be.
    engine: dict[str, object] = {
        "hide_parameters": True,
        "pool_size": 20,
        "max_overflow": 0,
        "pool_timeout": 5,
        "pool_use_lifo": True,
    }
    if sqlite:
        engine |= {"connect_args": {"timeout": 5, "check_same_thread": False}}
    else:
        engine |= {
            # No transaction, but where `app.core.transaction` asks for one to write in.
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


def bind_extensions(app: Flask, settings: Settings) -> None:
    """Bind what the packages stand on: database, log-in, mail, Stripe, Redis, live updates.

    The order of what runs before and after each request is the order here.
    """
    init_templates(app)
    init_logs(app, settings)
    init_request_ids(app)
    init_security_headers(app, settings)
    init_static_files(app)
    init_api_caching(app)
    init_filters(app)
    init_fragments(app)
    init_database(app)
    with app.app_context():
        init_slow_queries(db.engine, settings)
        init_lanes(app, db.engine)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    login_manager.init_app(app)
    authentication.init_login(app, login_manager)
    init_limits(app, settings)
    csrf.init_app(app)
    init_csrf(app)
    mail.init_app(app)
    payments.init_payments(app, settings)
    bidding.init_bidding(app)
    app.extensions["hint_redis"] = connect_redis(settings.redis_url) if settings.redis_url else None
    realtime.init_realtime(app, settings)
    app.wsgi_app = UnreadBodies(app.wsgi_app)  # type: ignore[method-assign]
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        # As many of the addresses in X-Forwarded-… are believed as there are proxies of ours.
        behind = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = behind  # type: ignore[method-assign]


def register_packages(app: Flask) -> None:
    """Register every package's listeners, pages, API and commands."""
    init_identifiers(app)
    for package in _LISTENERS:
        package.listen()
    for pages in _PAGES:
        app.register_blueprint(pages.blueprint)
    api = flask_smorest.Api(app)
    for routes in _APIS:
        api.register_blueprint(routes.blueprint)
    for commands in _COMMANDS:
        commands.register(app)
    _declare_what_libraries_added(app)
    app.extensions["api_description"] = describe(app, api)
    limit_routes(app, app.config["SETTINGS"])
    # Last: the API's library registers handlers of its own.
    init_errors(app)


def _declare_what_libraries_added(app: Flask) -> None:
    static: Any = app.view_functions["static"]
    app.view_functions["static"] = access(Who.ANYONE)(static)
