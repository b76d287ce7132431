"""A pack is looked through before dulwich unpacks it: what it says of its sizes is small, and may stand for gigabytes.

Source: gitformat-pack(5). Memory stays at one buffer, whatever is in it.
"""

from __future__ import annotations

import zlib
from typing import IO

from rasax.training.git.budget import LARGEST_OBJECT
from rasax.training.git.failures import BROKEN, TOO_LARGE, GitFailed

MOST_UNPACKED = 1024 * 2**20  # bytes of all objects
OFFSET_DELTA, REFERENCE_DELTA = 6, 7
BUFFER = 2**16
LONGEST_NUMBER = 64  # bits


def look_through(pack: IO[bytes]) -> None:
    """Raises GitFailed."""
    pack.seek(0)
    head = pack.read(12)
    if not head:
        return
    if head[:4] != b"PACK" or len(head) < 12:
        raise GitFailed(BROKEN)
    left = MOST_UNPACKED
    for _ in range(int.from_bytes(head[8:12])):
        left -= _object(pack)
        if left < 0:
            raise GitFailed(TOO_LARGE)


def _object(pack: IO[bytes]) -> int:
    """The bytes that it unpacks to."""
    kind, size = _head(pack)
    if kind == OFFSET_DELTA:
        _number(pack)
    elif kind == REFERENCE_DELTA:
        pack.read(20)
    if size > LARGEST_OBJECT:
        raise GitFailed(TOO_LARGE)
    start = _inflated(pack, size)
    target = _target(start) if kind in {OFFSET_DELTA, REFERENCE_DELTA} else size
    if target > LARGEST_OBJECT:
        raise GitFailed(TOO_LARGE)
    return target


def _head(pack: IO[bytes]) -> tuple[int, int]:
    byte = _byte(pack)
    kind, size, shift = (byte >> 4) & 7, byte & 15, 4
    while byte & 0x80:
        if shift > LONGEST_NUMBER:
            raise GitFailed(BROKEN)
        byte = _byte(pack)
        size |= (byte & 0x7F) << shift
        shift += 7
    return kind, size


def _number(pack: IO[bytes]) -> None:
    while _byte(pack) & 0x80:
        pass


def _byte(pack: IO[bytes]) -> int:
    read = pack.read(1)
    if not read:
        raise GitFailed(BROKEN)
    return read[0]


def _inflated(pack: IO[bytes], size: int) -> bytes:
    """Its first bytes; the file is behind it afterwards."""
    inflate, start, found = zlib.decompressobj(), b"", 0
    pending = b""
    while not inflate.eof:
        pending = pending or pack.read(BUFFER)
        if not pending:
            raise GitFailed(BROKEN)
        try:
            part = inflate.decompress(pending, BUFFER)
        except zlib.error as error:
            raise GitFailed(BROKEN, str(error)) from error
        pending = inflate.unconsumed_tail
        start, found = start or part[:32], found + len(part)
        if found > size:
            raise GitFailed(BROKEN)
    pack.seek(-len(inflate.unused_data), 1)
    return start


def _target(delta: bytes) -> int:
    """The size of what a delta makes: the second of the two numbers that it begins with."""
    at, numbers = 0, []
    for _ in range(2):
        number, shift = 0, 0
        while at < len(delta):
            byte = delta[at]
            number |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if not byte & 0x80:
                break
        numbers.append(number)
    return numbers[1]
