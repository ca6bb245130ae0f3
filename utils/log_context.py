"""The context of log records and errors: guild, server, member, command, task, and a correlation id.

Everything that is awaited or started inside a block inherits its values, also in threads
(``call_in_thread``). ``id`` names one piece of work: ``c-`` and the id of an interaction, ``p-`` and a drawn
one of a poll, ``t-`` with name and run of a task, ``k-`` and a drawn one of a call of the command line, and
the nonce of a message. A piece of work within another one names that one as ``parent``.
"""

import base64
import secrets
from contextlib import AbstractContextManager
from typing import Any

from structlog.contextvars import (
    bind_contextvars,
    bound_contextvars,
    clear_contextvars,
    get_contextvars,
)

from utils.models.scope import GuildId, MemberId, ServerId

DRAWN_BYTES = 5  # 8 characters


def bind_log_context(
    guild_id: GuildId | None = None,
    *,
    server_id: ServerId | None = None,
    member_id: MemberId | None = None,
    command: str | None = None,
    system: str | None = None,
    correlation_id: str | None = None,
) -> AbstractContextManager[None]:
    """Return a block in which every log record and error has these values; None leaves one as it is.

    ``system`` chooses the log file (``utils/telemetry/log_systems.py``) instead of the logger.
    """
    return bound_contextvars(
        **_name_values(
            guild=guild_id,
            server=server_id,
            member=member_id,
            command=command,
            system=system,
            id=correlation_id,
        )
    )


def enter_log_context(
    guild_id: GuildId | None, *, member_id: MemberId | None, command: str | None, correlation_id: str
) -> None:
    """Give the task that runs now these values, until it ends."""
    bind_contextvars(**_name_values(guild=guild_id, member=member_id, command=command, id=correlation_id))


def enter_task_context(name: str, *, run: int, guild_id: GuildId | None, parent: str | None) -> None:
    """Give a run of a task its context; of the work that started the task, only the id remains."""
    clear_contextvars()
    bind_contextvars(**_name_values(task=name, guild=guild_id, parent=parent, id=f"t-{name}-{run}"))


def find_correlation_id() -> str | None:
    """Return the id of the piece of work that runs now."""
    found: str | None = get_contextvars().get("id")
    return found


def _name_values(**values: object) -> dict[str, Any]:
    """Return the values that there are; a new id makes the one around it the parent."""
    named = {name: value for name, value in values.items() if value is not None}
    around = find_correlation_id()
    if named.get("id", around) != around and around is not None:
        named.setdefault("parent", around)
    return named


def draw_correlation_id(prefix: str) -> str:
    """Return a new id, with a letter that says of which kind of work."""
    return f"{prefix}-{base64.b32encode(secrets.token_bytes(DRAWN_BYTES)).decode('ascii').lower()}"
