"""Painters of the demo's pictures, at work beside this process."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process
from threading import Thread
from types import TracebackType
from typing import Generic, Self, TypeVar

from PIL import Image

from app.demo.pictures import paint

Finished = TypeVar("Finished")

_FEWEST, _MOST = 2, 4


class Painters(Generic[Finished]):
    """Paint pictures in processes of their own, where `finish` makes of each what is wanted of it.

    A context manager: at its end what was not begun is dropped. `finish` is a function of a
    module, for it is handed over by name.
    """

    def __init__(self, finish: Callable[[Image.Image], Finished]) -> None:
        # Copies of a process that is started for it, not of this one: those would share our
        # connections. It loads what they need, once for all of them.
        context = get_context("forkserver")
        context.set_forkserver_preload([paint.__module__, finish.__module__])
        count = min(_MOST, max(_FEWEST, os.cpu_count() or 1))
        self._pool = ProcessPoolExecutor(count, mp_context=context, initializer=_follow)
        self._finish = finish
        self._begun: dict[int, Future[Finished]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def begin(self, numbers: Iterable[int]) -> None:
        """Have these pictures painted, in this order, while the caller does something else."""
        for number in numbers:
            if number not in self._begun:
                self._begun[number] = self._pool.submit(_painted, number, self._finish)

    def take(self, number: int) -> Finished:
        """Wait for a picture; it is not kept. Raises BrokenProcessPool if a painter was killed."""
        self.begin([number])
        return self._begun.pop(number).result()


def _follow() -> None:
    """Have this painter end with who hired it: it would wait for work for ever."""
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    hirer = parent_process()
    if hirer is not None:
        hirer.join()
        os._exit(1)


def _painted(number: int, finish: Callable[[Image.Image], Finished]) -> Finished:
    return finish(paint(number))
