"""One thread leads: it runs a loop and does the tasks itself. If a task takes long, another thread takes the lead."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Task = TypeVar("Task")

_TICK = 0.01  # seconds; a task that takes longer than one or two of these costs its thread the lead


class Lead(Generic[Task]):
    """Runs `turn` again and again until it gives False, in the thread that leads.

    Around each task the leader calls `begin` and `end`. A leader that is held up in a task is replaced; `lost` is
    called with the task before the next leader starts. So quick tasks need no hand-over between threads, and no task
    can hold up the others.
    """

    def __init__(self, turn: Callable[[], bool], lost: Callable[[Task], None]) -> None:
        self._turn, self._lost = turn, lost
        self._task: Task | None = None
        self._begun = 0  # how many tasks
        self._lock = threading.Lock()
        self._alarm = threading.Event()
        self._sleeping = self._closing = False
        self._leader: threading.Thread | None = None

    def begin(self, task: Task) -> None:
        """Says what the leader does now."""
        self._task = task
        self._begun += 1
        if self._sleeping:
            self._alarm.set()

    def end(self, task: Task) -> bool:
        """Says that the task is done; False if another thread has taken the lead in the meantime."""
        with self._lock:
            leads = self._task is task
            if leads:
                self._task = None
            return leads

    def run(self) -> None:
        """Replaces leaders that are held up, until `stop`. Then it waits for the last turn, but not for a long task."""
        stuck = False
        while not (self._closing and (stuck or self._leader is None)):
            if stuck or self._leader is None:
                self._start()
            seen = self._begun
            self._wait(seen)
            stuck = self._begun == seen and self._take_task()

    def stop(self) -> None:
        """Lets `run` end as soon as `turn` gives False."""
        self._closing = True
        self._alarm.set()

    def _wait(self, seen: int) -> None:
        """Waits for a tick; for the next task, or for the end of the leader, if there was no task for a tick."""
        self._sleeping = True  # first, so that no task begins unheard
        self._sleeping = self._begun == seen and self._task is None and self._leader is not None
        self._alarm.wait(None if self._sleeping else _TICK)
        self._sleeping = False
        self._alarm.clear()

    def _take_task(self) -> bool:
        with self._lock:
            task = self._task
            if task is None:
                return False
            self._task = None
            self._lost(task)
            return True

    def _start(self) -> None:
        self._leader = threading.Thread(target=self._lead, name="flyexpr-serve", daemon=True)
        try:
            self._leader.start()
        except RuntimeError:  # no more threads can be started now; the next tick tries it again
            self._leader = None

    def _lead(self) -> None:
        try:
            while self._turn():
                pass
        finally:
            if self._leader is threading.current_thread():  # it has ended by an error, or there is no more to do
                self._leader = None
            self._alarm.set()
