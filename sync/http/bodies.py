"""Reading a body: decompressed, up to a length, and whole or not at all."""

import io
from collections.abc import Iterator
from typing import Any, Final

import requests
import requests.exceptions
import urllib3

from sync.errors import Broken, Busy
from sync.http.addresses import host_of

CHUNK: Final = 64 * 1024


class Cut(Exception):
    """A body has no end, or not in time; the message goes on after the host's name."""


def pieces(response: requests.Response, *, longest: int) -> Iterator[bytes]:
    """Yield the body piece by piece.

    Raises:
        Cut: it ends too early or not in time.
        Broken: it is longer than `longest` bytes, or its compression cannot be undone.
    """
    host, size = host_of(response.url), 0
    fault: Exception | None = None
    try:
        for piece in response.iter_content(CHUNK):
            size += len(piece)
            if size > longest:
                break
            yield piece
    except requests.exceptions.ContentDecodingError:
        fault = Broken(f"{host} compressed its answer in a way that cannot be read")
    except (requests.RequestException, OSError) as cause:
        fault = Cut("did not finish its answer in time" if _is_late(cause) else "cut its answer short")
    if fault:  # here, not above: the cause would stay attached to it, and it quotes addresses
        raise fault
    if size > longest:
        raise Broken(f"{host} answered with more than {longest} bytes")


def _is_late(cause: Exception) -> bool:
    return bool(cause.args) and isinstance(cause.args[0], urllib3.exceptions.ReadTimeoutError)


class Body(io.RawIOBase):
    """A body as a file."""

    def __init__(self, response: requests.Response, *, longest: int) -> None:
        self._host, self._pieces, self._rest = host_of(response.url), pieces(response, longest=longest), b""

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer.

        Raises:
            Busy: the body ends too early or not in time.
            Broken: as in `pieces`.
        """
        while not self._rest:
            piece = self._next()
            if piece is None:
                return 0
            self._rest = piece
        piece, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(piece)] = piece
        return len(piece)

    def _next(self) -> bytes | None:
        try:
            return next(self._pieces, None)
        except Cut as cut:
            reason = str(cut)
        raise Busy(f"{self._host} {reason}; it is tried again later")
