"""The posts about restarts that are due: one line each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, is_always_line
from utils.embeds.style import Style
from utils.embeds.values import join_facts, show_name
from utils.models.notices.restarts import RestartEvent, RestartNotice
from utils.models.texts import Moment, Value, text

SAMPLE_WARNING = timedelta(minutes=10)


def write_restart_line(style: Style, look: VariantLook, notice: RestartNotice) -> str:
    """Return the line that announces a restart."""
    told: Value = text("The game server restarts {moment}", moment=Moment(notice.restart_at))
    server = show_name(notice.server_name)
    return f"{look.mark} {style.write(join_facts([told, server] if server else [told]))}"


def build_restart_embed(style: Style, look: VariantLook, notice: RestartNotice) -> discord.Embed:
    """Return the same line as a card."""
    return discord.Embed(description=write_restart_line(style, look, notice), colour=look.colour)


def build_sample_restarts(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[RestartNotice]:
    """Return an invented restart."""
    del style
    restart_at = at + SAMPLE_WARNING
    return [RestartNotice(event_id=event_id, server_name=server_name, at=at, restart_at=restart_at)]


RESTART_LOOK = NoticeLook(
    {RestartEvent.WARNING: VariantLook(0x5B6B7A, "⏳", "", "")},
    build=build_restart_embed,
    samples=build_sample_restarts,
    write=write_restart_line,
    is_line=is_always_line,
)
