"""Extensions, packages and listeners, bound to one application."""

import importlib
import importlib.util
import sys
from typing import Any

import flask_smorest
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from app.config import ROOT, Settings
from app.core import audit, lease
from app.core.extensions import csrf, login_manager, mail, migrate
from app.core.extensions import db as db
from app.core.jobs import connect_redis
from app.core.transaction import init_database
from app.web import health, metrics
from app.web.csrf import init_csrf
from app.web.errors import init_errors
from app.web.filters import init_filters
from app.web.logs import init_logs
from app.web.request_ids import init_request_ids
from app.web.security_headers import init_security_headers
from app.web.static_files import init_static_files

TABLES = (audit.AuditLog, lease.Lease)


def _there(name: str) -> Any:
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError:
        return None
    try:
        return importlib.import_module(name) if found else None
    except ImportError as missing:
        print(f"not wired: {name}: {missing}", file=sys.stderr)
        return None


def bind_extensions(app: Flask, settings: Settings) -> None:
    """Bind what the application stands on: database, log-in, mail, live updates, Redis."""
    init_logs(app, settings)
    init_request_ids(app)
    init_database(app)
    migrate.init_app(app, db, directory=str(ROOT / "migrations"))
    csrf.init_app(app)
    mail.init_app(app)
    init_csrf(app)
    init_filters(app)
    init_static_files(app)
    init_security_headers(app, settings)
    app.extensions["hint_redis"] = connect_redis(settings.redis_url) if settings.redis_url else None
    login_manager.init_app(app)
    authentication = _there("app.accounts.authentication")
    if authentication:
        authentication.init_login(login_manager)
    payments = _there("app.payments.service")
    if payments:
        payments.init_payments(app, settings)
    realtime = _there("app.realtime.service")
    if realtime:
        realtime.init_realtime(app, settings)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        proxy = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
        app.wsgi_app = proxy  # type: ignore[method-assign]


PACKAGES = ("accounts", "artworks", "payments", "bidding", "notifications", "realtime",
            "dashboards", "admin", "demo", "jobs", "web")  # fmt: skip


def register_packages(app: Flask) -> None:
    """Register every package's pages, API, listeners and commands."""
    for name in PACKAGES:
        _there(f"app.{name}.models")
        service = _there(f"app.{name}.service")
        if service and hasattr(service, "listen"):
            service.listen()
        pages = _there(f"app.{name}.pages")
        if pages:
            app.register_blueprint(pages.blueprint)
        commands = _there(f"app.{name}.commands")
        if commands:
            commands.register(app)
    api = flask_smorest.Api(app)
    for name in PACKAGES:
        module = _there(f"app.{name}.api")
        if module:
            api.register_blueprint(module.blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(metrics.blueprint)
    init_errors(app)
    app.url_build_error_handlers.append(lambda _e, endpoint, _v: f"#{endpoint}")
