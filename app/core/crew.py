"""Several things done side by side, so that a slow one holds up no other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import current_app


def share_out(
    lines: Sequence[Sequence[int]],
    do: Callable[[int], None],
    *,
    hands: int,
    enough: Callable[[], bool] = lambda: False,
) -> None:
    """Call `do` with every item, in threads; returns when all are done.

    Each line has as many `hands` of its own, which help with the other lines once theirs is empty:
    however slow the items of one line are, the others go on. No new item is begun once `enough()`
    is true. Raises what `do` raised first, after all hands have stopped.
    """
    product: Any = current_app
    app = product._get_current_object()
    waiting = [iter(line) for line in lines]
    lock = threading.Lock()
    stopped = threading.Event()

    def next_of(order: list[Iterator[int]]) -> int | None:
        with lock:
            if stopped.is_set() or enough():
                return None
            return next((item for line in order for item in line), None)

    def work(own: int) -> None:
        order = [waiting[own], *waiting[:own], *waiting[own + 1 :]]
        while (item := next_of(order)) is not None:
            try:
                with app.app_context():
                    do(item)
            except BaseException:
                stopped.set()
                raise

    owners = [own for own in range(len(lines)) for _ in range(hands)]
    items = sum(len(line) for line in lines)
    if not items:
        return
    with ThreadPoolExecutor(len(owners)) as pool:
        for done in [pool.submit(work, own) for own in owners]:
            done.result()
