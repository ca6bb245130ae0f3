"""The context of log records: guild, server and command, bound once for all records of a block."""

from contextlib import AbstractContextManager

import structlog

from utils.models.scope import GuildId, ServerId


def bind_log_context(
    guild_id: GuildId | None = None, *, server_id: ServerId | None = None, command: str | None = None
) -> AbstractContextManager[None]:
    """Return a context in which every log record of this task carries these values."""
    values = {"guild": guild_id, "server": server_id, "command": command}
    return structlog.contextvars.bound_contextvars(
        **{name: value for name, value in values.items() if value is not None}
    )
