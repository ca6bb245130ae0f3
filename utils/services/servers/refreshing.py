"""Writes of game servers whose outcome may be unknown."""

from collections.abc import Iterator
from contextlib import contextmanager

from utils.errors import StorageError
from utils.models.scope import ServerScope
from utils.services.ports import LoopControl


@contextmanager
def refreshing_if_failed(loops: LoopControl, scope: ServerScope) -> Iterator[None]:
    """Have a server read again if a write in the block failed: it may have happened nevertheless."""
    try:
        yield
    except StorageError:
        loops.refresh(scope)
        raise
