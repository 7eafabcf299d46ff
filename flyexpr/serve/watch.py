"""Watches all connections in one thread, which also answers the requests that are quick.

Only a request that may take long needs a thread of its own.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable

from flyexpr.serve.lead import Lead
from flyexpr.serve.limits import Limits
from flyexpr.serve.talks import Talk
from flyexpr.serve.threads import Threads

_AT_ONCE = 64  # connections accepted before requests have a turn
_NO_MORE = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class Watch:
    """Accepts connections, answers requests or hands them to other threads, and closes what is silent for too long."""

    failure = ""  # it never ends by itself

    def __init__(self, listeners: list[socket.socket], talk: Callable[[socket.socket], Talk], limits: Limits) -> None:
        self._listeners, self._talk, self._limits = listeners, talk, limits
        self._selector = selectors.DefaultSelector()
        self._bell, self._button = socket.socketpair()
        self._returned: deque[Talk | None] = deque()  # by other threads; None stands for a connection that is closed
        self._silent: dict[Talk, None] = {}  # in the order of their last requests, or nearly
        self._open = 0
        self._full = self._closing = False
        self._threads = Threads(limits.threads, self._work)
        self._keepers = Threads(1, self._work)  # one thread waits for the disk, for all connections
        self._lead = Lead(self._turn, self._lost)
        for one in (*listeners, self._bell, self._button):
            one.setblocking(False)
        for one in (*listeners, self._bell):
            self._selector.register(one, selectors.EVENT_READ)

    def run(self) -> None:
        """Watches until `stop` is called."""
        self._lead.run()
        self._close()

    def _turn(self) -> bool:
        """Does what is to be done now, or waits for it; False if this thread is to watch no more."""
        full = self._full
        for key, _ in self._selector.select(0.1 if full else min(1.0, self._limits.idle_seconds / 4)):
            if isinstance(key.fileobj, Talk):
                if not self._wake(key.fileobj):
                    return False
            elif key.fileobj is self._bell:
                self._bell.recv(4096)
            elif isinstance(key.fileobj, socket.socket):
                self._accept(key.fileobj)
        self._take_back()
        self._end_idle()
        self._threads.try_again()
        self._keepers.try_again()
        if full:  # not in the turn that has stopped accepting: without a free descriptor, that would go round and round
            self._welcome()
        return not self._closing

    def stop(self) -> None:
        """Ends `run`; requests under way are still answered."""
        self._closing = True
        self._lead.stop()
        self._ring()

    def _accept(self, listener: socket.socket) -> None:
        if self._open >= self._limits.connections:
            return self._shut()
        for _ in range(min(_AT_ONCE, self._limits.connections - self._open)):
            try:
                talk = self._talk(listener.accept()[0])
            except OSError as error:  # the client is gone, or no descriptor is free
                return self._shut() if error.errno in _NO_MORE else None
            self._open += 1
            self._watch(talk)

    def _shut(self) -> None:
        """Stops accepting; new connections wait in the system's queue and are not refused."""
        if not self._full:
            self._full = True
            for one in self._listeners:
                self._selector.unregister(one)

    def _welcome(self) -> None:
        if self._open < self._limits.connections:
            self._full = False
            for one in self._listeners:
                self._selector.register(one, selectors.EVENT_READ)

    def _watch(self, talk: Talk) -> None:
        self._silent[talk] = None
        self._selector.register(talk, selectors.EVENT_READ)

    def _unwatch(self, talk: Talk) -> None:
        del self._silent[talk]
        self._selector.unregister(talk)

    def _lost(self, talk: Talk) -> None:
        talk.late()
        self._unwatch(talk)

    def _wake(self, talk: Talk) -> bool:
        """Answers a connection, or hands it on; False if this thread watches no more, since that took it long."""
        alive = False
        self._lead.begin(talk)
        try:
            alive = talk.at_once()
            # The hand-over takes 0.1 ms of CPU, and a connection that is alone need not be spared the wait.
            if alive and talk.unkept and self._open == 1:
                alive = talk.answer_kept()
        finally:
            leads = self._lead.end(talk)
            if not leads:
                self._end_work(talk, alive)
            elif alive and not talk.pending and not talk.unkept:
                self._silent[talk] = self._silent.pop(talk)
            else:
                self._unwatch(talk)
                self._hand_on(talk, alive)
        return leads

    def _hand_on(self, talk: Talk, alive: bool) -> None:
        if alive:
            self._give(talk)
        else:
            talk.close()
            self._open -= 1

    def _give(self, talk: Talk) -> None:
        (self._keepers if talk.unkept else self._threads).give(talk)

    def _work(self, talk: Talk) -> None:
        alive = False
        try:
            alive = talk.answer_kept() if talk.unkept else talk.go_on(lambda: self._closing or self._threads.waiting())
        finally:
            self._end_work(talk, alive)

    def _end_work(self, talk: Talk, alive: bool) -> None:
        if not alive:
            talk.close()
        elif talk.unkept or (talk.pending and not self._closing):
            self._give(talk)
            return
        self._returned.append(talk if alive else None)
        self._ring()
        if self._closing:
            self._close_returned()

    def _take_back(self) -> None:
        while self._returned:
            talk = self._returned.popleft()
            if talk is None:
                self._open -= 1
            else:
                self._watch(talk)

    def _end_idle(self) -> None:
        patience = self._limits.crowded_seconds if self._full else self._limits.idle_seconds
        until = time.monotonic() - patience
        while self._silent and (talk := next(iter(self._silent))).since < until:
            self._unwatch(talk)
            talk.close()
            self._open -= 1

    def _ring(self) -> None:
        with contextlib.suppress(OSError):  # it is ringing already, or the watch has ended
            self._button.send(b"!")

    def _close(self) -> None:
        self._selector.close()
        for one in (*self._listeners, self._bell, self._button):
            one.close()
        for talk in self._silent:
            talk.close()
        self._close_returned()

    def _close_returned(self) -> None:
        with contextlib.suppress(IndexError):
            while True:
                if talk := self._returned.popleft():
                    talk.close()
