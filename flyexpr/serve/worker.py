"""One of several processes of a server: it serves the connections that it is handed."""

from __future__ import annotations

import errno
import os
import pickle
import socket
import threading
from typing import cast

from flyexpr.serve.orders import READY, Orders
from flyexpr.serve.talks import Talk
from flyexpr.serve.watch import Watch


class Handed(socket.socket):
    """A channel, used as a listener: it gives the connections that come over it."""

    def __init__(self, channel: int) -> None:
        super().__init__(fileno=channel)
        self.ended = threading.Event()

    def accept(self) -> tuple[socket.socket, None]:
        """The next connection; OSError if there is none, or no descriptor is free for it."""
        os.close(os.dup(self.fileno()))  # a connection that finds no descriptor free would be lost: it has to wait
        data, numbers, _, _ = socket.recv_fds(self, 1, 1)
        if not data:
            self.ended.set()
            raise OSError(errno.ECONNABORTED, "the channel has ended")
        if not numbers:
            raise OSError(errno.EMFILE, "no descriptor is free")
        return socket.socket(fileno=numbers[0]), None


def main(channel: int) -> None:
    """Serves until the channel ends."""
    handed = Handed(channel)
    try:
        orders: Orders = pickle.loads(_received(handed))
        shared = orders.shared()
    except Exception as error:
        handed.sendall(str(error).encode() or type(error).__name__.encode())
        return
    handed.sendall(READY)
    watch = Watch([cast(socket.socket, handed)], lambda connection: Talk(connection, shared), orders.limits)
    watching = threading.Thread(target=watch.run, name="flyexpr-serve", daemon=True)
    watching.start()
    handed.ended.wait()
    watch.stop()
    watching.join()


def _received(channel: socket.socket) -> bytes:
    with channel.makefile("rb") as file:
        return file.read(int.from_bytes(file.read(8), "big"))
