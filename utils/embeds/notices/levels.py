"""The posts about levels and times of more XP: one line each."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, is_always_line
from utils.embeds.style import Style
from utils.embeds.values import join_facts, show_name
from utils.models.levels import find_title
from utils.models.notices.levels import LevelEvent, LevelNotice, XpEventNews, XpEventNotice
from utils.models.notices.notice import Notice
from utils.models.texts import Mention, Moment, Number, Text, Value, text

DOUBLE = 2
SAMPLE_LEVEL = 10
SAMPLE_TIME = timedelta(hours=24)


def write_level_line(style: Style, look: VariantLook, notice: LevelNotice) -> str:
    """Return the line about a member who has reached a level."""
    told: Value = text(
        "**{player}** has reached level **{level}**: {title}",
        player=show_name(notice.player_name),
        level=Number(notice.level),
        title=find_title(notice.level),
    )
    member = () if notice.member_id is None else (Mention("@", notice.member_id),)
    return _write(style, look, notice, told, *member)


def write_xp_event_line(style: Style, look: VariantLook, notice: XpEventNotice) -> str:
    """Return the line about a time of more XP."""
    return _write(style, look, notice, _describe_xp_event(notice))


def build_level_embed(style: Style, look: VariantLook, notice: LevelNotice) -> discord.Embed:
    """Return the line about a level as a card."""
    return discord.Embed(description=write_level_line(style, look, notice), colour=look.colour)


def build_xp_event_embed(style: Style, look: VariantLook, notice: XpEventNotice) -> discord.Embed:
    """Return the line about a time of more XP as a card."""
    return discord.Embed(description=write_xp_event_line(style, look, notice), colour=look.colour)


def build_sample_levels(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[LevelNotice]:
    """Return an invented level."""
    player = style.write_plain(text("Sample player"))
    sample = LevelNotice(
        event_id=event_id,
        server_name=server_name,
        at=at,
        player_name=player,
        member_id=None,
        level=SAMPLE_LEVEL,
    )
    return [sample]


def build_sample_xp_events(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[XpEventNotice]:
    """Return an invented time of double XP."""
    del style
    ends_at = at + SAMPLE_TIME
    sample = XpEventNotice(event_id=event_id, server_name=server_name, at=at, factor=DOUBLE, ends_at=ends_at)
    return [sample]


def _describe_xp_event(notice: XpEventNotice) -> Text:
    end = Moment(notice.ends_at, "f")
    if notice.factor == DOUBLE:
        return text("Double XP: each kill gives twice as much until {moment}", moment=end)
    return text(
        "More XP: each kill gives {factor} times as much until {moment}",
        factor=Number(notice.factor),
        moment=end,
    )


def _write(style: Style, look: VariantLook, notice: Notice, *told: Value) -> str:
    server = (show_name(notice.server_name),) if notice.server_name else ()
    return f"{look.mark} {style.write(join_facts([*told, *server]))}"


LEVEL_LOOK = NoticeLook(
    {LevelEvent.REACHED: VariantLook(0x3F6FA3, "🎖️", "", "")},
    build=build_level_embed,
    samples=build_sample_levels,
    write=write_level_line,
    is_line=is_always_line,
)
XP_EVENT_LOOK = NoticeLook(
    {XpEventNews.BEGUN: VariantLook(0xB08A3E, "⚡", "", "")},
    build=build_xp_event_embed,
    samples=build_sample_xp_events,
    write=write_xp_event_line,
    is_line=is_always_line,
)
