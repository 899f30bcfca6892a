"""Figures about a whole table: fresh while it is small, the worker's when it is not."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from app.accounts.models import User
from app.core import clock, figures
from app.core.extensions import db
from app.core.notes import Note
from app.core.transaction import transaction
from tests.people import make_person


@figures.figure_of(User)
def _users_for_this_test() -> figures.Rows:
    return [[db.session.scalar(select(func.count()).select_from(User))]]


def people() -> int:
    db.session.remove()
    return int(_users_for_this_test()[0][0])


def test_a_small_table_is_counted_whenever_asked(app: Flask) -> None:
    for number in range(3):
        with app.app_context():
            assert people() == number
            figures.count_figures()
        make_person(app)


def test_a_large_table_is_counted_by_the_worker_once_a_minute(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "COUNTED_WHEN_ASKED", 0)
    make_person(app)
    with app.app_context():
        assert people() == 1
        assert figures.count_figures() > 0
    make_person(app)
    with app.app_context():
        figures.count_figures()
        assert people() == 1
        _age(timedelta(minutes=2))
        assert people() == 1
        figures.count_figures()
        assert people() == 2


def test_without_a_worker_who_asks_counts(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "COUNTED_WHEN_ASKED", 0)
    make_person(app)
    with app.app_context():
        figures.count_figures()
    make_person(app)
    with app.app_context():
        _age(timedelta(minutes=6))
        assert people() == 2


def test_what_was_noted_by_a_clock_that_was_wrong_is_counted_anew(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "COUNTED_WHEN_ASKED", 0)
    make_person(app)
    with app.app_context():
        figures.count_figures()
    make_person(app)
    with app.app_context():
        _age(-timedelta(days=1))
        assert people() == 2
        assert figures.count_figures() > 0


def _age(by: timedelta) -> None:
    with transaction() as session:
        session.execute(update(Note).values(noted_at=clock.now() - by))
