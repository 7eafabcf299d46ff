"""Threads that work on tasks: as many threads as there are tasks, up to a limit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

Task = TypeVar("Task")

_IDLE_SECONDS = 5.0  # a thread without work ends after this time


class Threads(Generic[Task]):
    """Runs `work(task)` in threads that end with the process; tasks wait while all threads are busy."""

    def __init__(self, most: int, work: Callable[[Task], None]) -> None:
        self._most, self._work = most, work
        self._tasks: deque[Task] = deque()
        self._added = threading.Condition()
        self._threads = self._idle = 0
        self._lacking = False  # whether a thread could not be started

    def waiting(self) -> bool:
        """True while there is more to do than there are threads."""
        return len(self._tasks) > self._idle

    def give(self, task: Task) -> None:
        """Adds a task, which the next free thread does."""
        with self._added:
            self._tasks.append(task)
            if self.waiting() and self._threads < self._most:
                self._start()
            self._added.notify()

    def try_again(self) -> None:
        """Starts a thread for a task that waits because none could be started; to be called from time to time."""
        if self._lacking:
            with self._added:
                self._lacking = False
                if self.waiting():
                    self._start()

    def _start(self) -> None:
        try:
            threading.Thread(target=self._run, name="flyexpr-serve", daemon=True).start()
            self._threads += 1
        except RuntimeError:  # no more threads can be started now; the task waits for a running one, or for `try_again`
            self._lacking = True

    def _run(self) -> None:
        while self._do_next():
            pass

    def _do_next(self) -> bool:
        task = self._next()
        if task is None:
            return False
        try:
            self._work(task)
        except BaseException:
            with self._added:
                self._threads -= 1
                if self.waiting():  # a task that was added while no further thread was allowed
                    self._start()
            raise
        return True

    def _next(self) -> Task | None:
        with self._added:
            self._idle += 1
            self._added.wait_for(lambda: self._tasks, _IDLE_SECONDS)
            self._idle -= 1
            if self._tasks:
                return self._tasks.popleft()
            self._threads -= 1
            return None
