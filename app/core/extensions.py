"""The Flask extensions, unbound; `create_app` binds them."""

from typing import TYPE_CHECKING, cast

from flask import Response, session
from flask_login import LoginManager
from flask_mail import Mail
from flask_migrate import Migrate
from flask_socketio import SocketIO
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect
from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """Every constraint gets a predictable name, so that migrations can name it again."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


# Objects outlive their transaction as plain values: nothing reloads behind the reader's back.
db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False})


class SignIns(LoginManager):
    """Flask-Login, without asking after each answer whether to remember somebody by a cookie."""

    def _update_remember_cookie(self, response: Response) -> Response:
        # There is something to do only where a request came with such a cookie and logs out.
        if "_remember" in session:
            return cast(Response, super()._update_remember_cookie(response))
        return response


if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model

migrate = Migrate(directory="migrations")
login_manager = SignIns()
csrf = CSRFProtect()
mail = Mail()
socketio = SocketIO()
