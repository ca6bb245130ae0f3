"""Prefetching: hands on files in order, and reads the next ones at the same time.

A usual day's log is small, so with a distant host the round trips cost more than the bytes. So several files
are read at once, each up to its next chunk, and still handed on in order.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterable
from itertools import islice

from utils.models.reading import Chunk


class PrefetchedFile:
    """The chunks of one file; the next chunk is read while the last one is handled."""

    def __init__(self, chunks: AsyncGenerator[Chunk, None]) -> None:
        self._chunks = chunks
        self._next = self._read()

    async def take(self) -> Chunk | None:
        """Return the next chunk; None at the end."""
        chunk = await self._next
        if chunk is not None:
            self._next = self._read()
        return chunk

    async def close(self) -> None:
        """Stop reading."""
        self._next.cancel()
        await asyncio.gather(self._next, return_exceptions=True)
        await self._chunks.aclose()

    def _read(self) -> "asyncio.Future[Chunk | None]":
        return asyncio.ensure_future(anext(self._chunks, None))


async def prefetch(
    files: Iterable[AsyncGenerator[Chunk, None]], *, at_once: Callable[[], int]
) -> AsyncGenerator[Chunk | None, None]:
    """Yield the chunks of every file in order, and None after the last chunk of each file.

    Args:
        files: the chunks of each file.
        at_once: returns how many files to read at once at this moment; at least one is read.
    """
    coming = iter(files)
    opened = deque(PrefetchedFile(chunks) for chunks in islice(coming, max(1, at_once())))
    try:
        while opened:
            chunk = await opened[0].take()
            if chunk is None:
                await opened.popleft().close()
                more = max(0 if opened else 1, at_once() - len(opened))
                opened.extend(PrefetchedFile(chunks) for chunks in islice(coming, more))
            yield chunk
    finally:
        for file in opened:
            await file.close()
