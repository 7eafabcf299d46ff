"""Several processes behind one address: this one accepts the connections and hands each to the next process.

The processes share nothing but what their engines share, such as the file of the embedded engine. Each reads its orders
from a channel, a pair of sockets, over which it is also handed its connections; it ends when the channel does, so that
none outlives this process.
"""

from __future__ import annotations

import contextlib
import json
import pickle
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import cycle

from flyexpr.errors import FlyexprError
from flyexpr.serve.orders import READY, Orders

_START = (
    "import sys, json; sys.path[:] = json.loads(sys.argv[2]); "
    "from flyexpr.serve.worker import main; main(int(sys.argv[1]))"
)
_PAUSE = 0.05  # seconds, if no process can take a connection
_PATIENCE = 10.0  # seconds until a process that does not end is killed


class Processes:
    """Processes that serve what comes to the listeners; `failure` says why `run` ended by itself."""

    def __init__(self, listeners: list[socket.socket], orders: Orders, count: int) -> None:
        """FlyexprError if the engine cannot be given to another process, or a process cannot start."""
        self._listeners, self._closing, self.failure = listeners, False, ""
        self._bell, self._button = socket.socketpair()
        self._all: list[_Process] = []
        try:
            text = _text(orders)
            for _ in range(count):
                self._all.append(_Process())
            for one in self._all:
                one.order(text)
        except BaseException:
            self._close()
            raise
        self._turns: Iterator[_Process] = cycle(self._all)

    def run(self) -> None:
        """Hands connections out until `stop` is called or a process ends, which ends them all."""
        with selectors.DefaultSelector() as selector:
            for one in (*self._listeners, self._bell):
                one.setblocking(False)
                selector.register(one, selectors.EVENT_READ)
            for process in self._all:
                selector.register(process.channel, selectors.EVENT_READ)
            while not self._closing and not self.failure:
                for key, _ in selector.select():
                    if key.fileobj in self._listeners:
                        self._accept(key.fileobj)
                    elif key.fileobj is not self._bell:
                        self.failure = "a process of the server has ended, so the server ends"
        self._close()

    def stop(self) -> None:
        """Ends `run`, and the processes."""
        self._closing = True
        with contextlib.suppress(OSError):  # it has ended already
            self._button.send(b"!")

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # the client is gone, or no descriptor is free
            return
        with connection:
            while not any(next(self._turns).take(connection) for _ in self._all):
                if self._closing or not all(process.is_alive() for process in self._all):
                    return
                time.sleep(_PAUSE)

    def _close(self) -> None:
        for one in (*self._listeners, self._bell, self._button, *(process.channel for process in self._all)):
            one.close()
        for process in self._all:
            process.end()


class _Process:
    """One process, and this side of its channel."""

    def __init__(self) -> None:
        self.channel, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", _START, str(theirs.fileno()), json.dumps(sys.path)]
            self._process = subprocess.Popen(
                command,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # so that Ctrl-C reaches only the first process, which ends the others
            )

    def order(self, text: bytes) -> None:
        """Says what to serve; FlyexprError if the process cannot."""
        try:
            self.channel.sendall(len(text).to_bytes(8, "big") + text)
            answer = self.channel.recv(65536)
        except OSError:
            answer = b""
        if answer != READY:
            raise FlyexprError(answer.decode() or "a process of the server ended before it was ready")
        self.channel.setblocking(False)

    def take(self, connection: socket.socket) -> bool:
        """Hands a connection over; False if the process has too many that it has not taken yet."""
        try:
            socket.send_fds(self.channel, [b"+"], [connection.fileno()])
        except OSError:
            return False
        return True

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """Waits until the process has ended, as it does once its channel is closed; kills one that does not."""
        try:
            self._process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _text(orders: Orders) -> bytes:
    if not hasattr(socket, "send_fds"):
        raise FlyexprError("this system cannot hand connections to other processes\n  hint: workers=1")
    try:
        return pickle.dumps(orders)
    except FlyexprError:
        raise
    except Exception as error:
        raise FlyexprError(
            f"{orders.engine!r} cannot be given to other processes: {error}\n  hint: workers=1"
        ) from None
