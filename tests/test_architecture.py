"""The house: who may look at whom, held by reading the code itself."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from app.core.access import Who
from app.core.jobs import QUEUES

ROOT = Path(__file__).resolve().parents[1]
APP = ROOT / "app"

# Lower may not import higher; the same level may not import each other.
LEVELS = {
    "core": 0,
    "accounts": 1,
    "artworks": 2,
    "payments": 3,
    "bidding": 4,
    "notifications": 5,
    "realtime": 5,
    "dashboards": 6,
    "admin": 6,
    "demo": 6,
    "jobs": 7,
    "web": 8,
    "operations": 9,
}
OPEN_DOORS = {"service", "queries", "states", "models"}
# Modules of the root: settings stand below everything, the wiring above everything.
BELOW_ALL, ABOVE_ALL = {"config", "setting_rules"}, {"wiring", "__init__"}
IMPURE = {
    "alembic", "argon2", "flask", "flask_login", "flask_mail", "flask_smorest", "flask_socketio",
    "flask_sqlalchemy", "flask_wtf", "marshmallow", "redis", "rq", "sqlalchemy", "stripe",
    "webargs", "werkzeug", "wtforms",
}  # fmt: skip
SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def modules() -> list[Path]:
    """Every module of the product."""
    return sorted(path for path in APP.rglob("*.py") if "__pycache__" not in path.parts)


def tree(path: Path) -> ast.Module:
    """A module's syntax."""
    return ast.parse(path.read_text(), str(path))


def package_of(path: Path) -> str:
    """The package of a module, or its own name when it lies in the root."""
    inside = path.relative_to(APP)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that a module imports, as far as its name tells, with the line."""
    package = ("app", *path.relative_to(APP).parent.parts)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = list(package[: len(package) - node.level + 1]) if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{module}.{alias.name}"
                is_module = (ROOT / (name.replace(".", "/") + ".py")).exists() or (
                    ROOT / name.replace(".", "/") / "__init__.py"
                ).exists()
                yield (name if is_module else module), node.lineno


def where(path: Path, line: int) -> str:
    """A place in the code as editors understand it."""
    return f"{path.relative_to(ROOT)}:{line}"


def calls(path: Path) -> Iterator[tuple[str, str, int]]:
    """Every call `x.y(…)` as (text of x, y, line)."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            yield ast.unparse(node.func.value), node.func.attr, node.lineno


def test_every_package_has_its_level() -> None:
    folders = {path.parent.name for path in APP.glob("*/__init__.py")}
    assert folders == set(LEVELS)
    assert {path.stem for path in APP.glob("*.py")} == BELOW_ALL | ABOVE_ALL


def test_imports_point_downwards() -> None:
    wrong = []
    for path in modules():
        here = package_of(path)
        if here in ABOVE_ALL:
            continue
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] in {"sandbox", "dev", "tests", "wsgi", "worker"}:
                wrong.append(f"{where(path, line)} imports {name}")
            if parts[0] != "app" or len(parts) < 2:
                continue
            there = parts[1]
            if (here, there) == ("config", "setting_rules"):
                continue
            if there in ABOVE_ALL or here in BELOW_ALL:
                wrong.append(f"{where(path, line)} imports {name}")
            elif there not in BELOW_ALL and there != here and LEVELS[there] >= LEVELS[here]:
                wrong.append(f"{where(path, line)} imports {name}: upwards or sideways")
    assert wrong == []


def test_packages_meet_only_at_their_open_doors() -> None:
    wrong = []
    for path in modules():
        here = package_of(path)
        if here in ABOVE_ALL:
            continue
        for name, line in imports(path):
            parts = name.split(".")
            if parts[0] != "app" or len(parts) < 2:
                continue
            there = parts[1]
            if there in {here, "core"} | BELOW_ALL | ABOVE_ALL:
                continue
            if len(parts) < 3 or parts[2] not in OPEN_DOORS:
                wrong.append(f"{where(path, line)} imports {name}")
    assert wrong == []


def test_states_and_rules_are_pure() -> None:
    wrong = []
    for path in modules():
        if path.stem not in {"states", "rules"}:
            continue
        for name, line in imports(path):
            if name.split(".")[0] in IMPURE or name in {
                "app.core.extensions", "app.core.transaction", "app.core.audit", "app.core.lease",
            }:  # fmt: skip
                wrong.append(f"{where(path, line)} imports {name}")
    assert wrong == []


def test_only_the_gateway_speaks_to_stripe() -> None:
    users = {
        path.relative_to(APP).as_posix()
        for path in modules()
        for name, _ in imports(path)
        if name.split(".")[0] == "stripe"
    }
    assert users == {"payments/gateway.py"}


def test_only_core_commits() -> None:
    wrong = [
        where(path, line)
        for path in modules()
        for _, method, line in calls(path)
        if method in {"commit", "begin_nested"} and package_of(path) != "core"
    ]
    assert wrong == []
    assert any(method == "commit" for _, method, _ in calls(APP / "core" / "transaction.py"))


def test_only_realtime_emits() -> None:
    wrong = [
        where(path, line)
        for path in modules()
        for _, method, line in calls(path)
        if method in {"emit", "send_json"} and package_of(path) != "realtime"
    ]
    wrong += [
        where(path, line)
        for path in modules()
        for name, line in imports(path)
        if name.split(".")[0] in {"flask_socketio", "socketio"}
        and package_of(path) not in {"realtime"}
        and path != APP / "core" / "extensions.py"
    ]
    assert wrong == []
    assert any(
        method == "emit" for path in (APP / "realtime").glob("*.py") for _, method, _ in calls(path)
    )


def test_there_is_one_clock() -> None:
    """Only `core/clock.py` asks for the time of day."""
    wrong = [
        where(path, line)
        for path in modules()
        for owner, method, line in calls(path)
        if (method in {"now", "utcnow", "today"} and owner.split(".")[-1] in {"datetime", "date"})
        or (owner == "time" and method == "time")
        if path != APP / "core" / "clock.py"
    ]
    assert wrong == []


def test_no_float_touches_money() -> None:
    wrong = [
        where(path, node.lineno)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "float"
        and "_cents" in ast.unparse(node)
    ]
    wrong += [
        where(path, node.lineno)
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and "_cents" in ast.unparse(node)
    ]
    assert wrong == []


def test_a_threshold_is_read_only_where_it_is_the_readers_to_know() -> None:
    """Who names the column has a reason; nobody else does so by accident."""
    readers = {
        path.relative_to(APP).as_posix()
        for path in modules()
        if "threshold_cents" in path.read_text()
    }
    allowed = {"artworks", "bidding/statements.py", "demo"}
    assert {each for each in readers if not any(each.startswith(name) for name in allowed)} == set()


def test_the_sandbox_imports_nothing_of_the_product() -> None:
    wrong = []
    for path in (ROOT / "sandbox").rglob("*.py"):
        for node in ast.walk(tree(path)):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            wrong += [where(path, 0) for name in names if name.split(".")[0] == "app"]
    assert wrong == []


@pytest.fixture
def database() -> str:
    """The routes are the same on every database."""
    return "sqlite"


def test_every_route_declares_who_may_use_it(app: Flask) -> None:
    silent = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not isinstance(getattr(app.view_functions[rule.endpoint], "__access__", None), Who)
    )
    assert silent == []


def test_the_declaration_is_what_the_route_runs_first(app: Flask) -> None:
    """`@access` is outermost: nothing of the view runs before it has looked."""
    wrong = []
    for path in modules():
        for node in ast.walk(tree(path)):
            if not isinstance(node, ast.FunctionDef):
                continue
            names = [ast.unparse(decorator) for decorator in node.decorator_list]
            routes = [
                n for n, text in enumerate(names)
                if re.match(r"\w*blueprint\.(route|get|post|put|patch|delete)\(", text)
            ]  # fmt: skip
            if not routes:
                continue
            after = names[routes[-1] + 1 :]
            if not after or not after[0].startswith("access("):
                wrong.append(where(path, node.lineno))
    assert wrong == []


def test_only_stripe_may_send_what_no_form_of_ours_made(app: Flask) -> None:
    exempt = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if set(rule.methods or ()) - SAFE_METHODS
        and getattr(app.view_functions[rule.endpoint], "__access__", None) == Who.STRIPE
    }
    assert exempt == {"/api/payments/webhook"}


def test_every_unsafe_page_refuses_a_post_without_its_token(app: Flask) -> None:
    client = app.test_client()
    pages = [
        rule
        for rule in app.url_map.iter_rules()
        if set(rule.methods or ()) - SAFE_METHODS and not rule.rule.startswith("/api/")
    ]
    assert pages
    for rule in pages:
        path = re.sub(r"<int(\([^)]*\))?:\w+>", "1", rule.rule)
        path = re.sub(r"<\w+>", "x", path)
        assert client.post(path).status_code == 400, path


def test_every_hint_goes_to_a_queue_that_the_worker_serves() -> None:
    used = {
        node.args[0].value
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] == "hint"
        and isinstance(node.args[0], ast.Constant)
    }
    assert used
    assert used <= set(QUEUES)
    worker = (ROOT / "worker.py").read_text() + "".join(
        path.read_text() for path in (APP / "jobs").glob("*.py")
    )
    assert "QUEUES" in worker


def test_every_hint_names_a_job_that_exists() -> None:
    named = {
        node.args[1].value
        for path in modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1] == "hint"
        and isinstance(node.args[1], ast.Constant)
    }
    jobs = {
        f"app.jobs.tasks.{node.name}"
        for node in tree(APP / "jobs" / "tasks.py").body
        if isinstance(node, ast.FunctionDef)
    }
    assert named
    assert named <= jobs


def test_files_stay_readable() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in modules()
        if (lines := len(path.read_text().splitlines())) > 330
    }
    assert long == {}
