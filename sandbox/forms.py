"""Form encoding as Stripe reads it: names with brackets become groups and lists."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sandbox.errors import ValidationError

Tree = dict[str, Any]
KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
PART = re.compile(r"\[([^\[\]]*)\]")


def decode(pairs: Iterable[tuple[str, str]]) -> Tree:
    """Turn `a[b][0]=c` pairs into a tree; `[]` counts up from 0.

    Raises ValidationError where one name is used both as a value and as a group.
    """
    tree: Tree = {}
    for name, value in pairs:
        match = KEY.match(name)
        if match is None:
            raise ValidationError(
                f"Received unknown parameter: {name}", param=name, code="parameter_unknown"
            )
        parts = [match.group(1), *PART.findall(match.group(2))]
        node = tree
        for part in parts[:-1]:
            node = _step(node, part, name)
        last = parts[-1] or str(len(node))
        if isinstance(node.get(last), dict):
            raise ValidationError(f"Invalid parameter: {name}", param=name)
        node[last] = value
    return tree


def _step(node: Tree, part: str, name: str) -> Tree:
    below = node.setdefault(part or str(len(node)), {})
    if not isinstance(below, dict):
        raise ValidationError(f"Invalid parameter: {name}", param=name)
    return below
