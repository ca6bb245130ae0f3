"""The posts of the events channel: missions, airdrops, crashed helicopters, traders, convoys, restarts."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, build_post
from utils.embeds.style import Style
from utils.embeds.values import SEPARATOR, show_name
from utils.models.missions import LEVEL_NAMES
from utils.models.notices.notice import Notice
from utils.models.notices.world import WorldEventNotice
from utils.models.post_styles import PostStyle
from utils.models.texts import Moment, Span, Text, Value, text, text_in
from utils.models.world_events import EventEnd, WorldEventKind

KIND_NAMES: Mapping[WorldEventKind, Text] = {
    WorldEventKind.AIRDROP: text_in("an event", "Airdrop"),
    WorldEventKind.HELICRASH: text_in("an event", "Crashed helicopter"),
    WorldEventKind.TRADER: text_in("an event", "Roaming trader"),
    WorldEventKind.CONVOY: text_in("an event", "Convoy"),
    WorldEventKind.RESTART: text_in("an event", "Restart of the game server"),
}

STATE_NAMES: Mapping[str, Text] = {
    "READY": text_in("state of an event", "Ready"),
    "ACTIVE": text_in("state of an event", "Active"),
    "WAITING": text_in("state of an event", "Waiting"),
    "FLYING": text_in("state of an event", "Flying"),
    "DROPPING": text_in("state of an event", "Dropping"),
}
"""The game's own words: the log does not tell what ``WAITING`` waits for, so no story is told."""


def build_event_embed(style: Style, look: VariantLook, notice: WorldEventNotice) -> discord.Embed:
    """Return the post about an event."""
    name: Value = KIND_NAMES.get(notice.kind) or text("Mission: {name}", name=show_name(notice.name))
    facts = [] if notice.level is None else [text("up to {level}", level=LEVEL_NAMES[notice.level])]
    lines = [style.write(line) for line in _tell(notice)]
    return build_post(style, look, notice, lines, facts=facts, title=f"{look.mark} {style.write(name)}")


def build_event_line(style: Style, look: VariantLook, notice: WorldEventNotice) -> str:
    """Return the post in one line."""
    name: Value = KIND_NAMES.get(notice.kind) or show_name(notice.name)
    said = " ".join([look.mark, style.write(name), *(style.write(line) for line in _tell(notice))])
    server = show_name(notice.server_name)
    return f"{said}{SEPARATOR}{style.write(server)}" if server else said


def build_sample_events(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[WorldEventNotice]:
    """Return an invented mission."""
    sample = WorldEventNotice(
        event_id=event_id,
        server_name=server_name,
        at=at,
        kind=WorldEventKind.MISSION,
        name=style.write_plain(text("Sample mission")),
        level=3,
        state="READY",
        since=at,
    )
    return (sample,)


def _tell(notice: WorldEventNotice) -> list[Text]:
    """Return what is known of an event, in sentences."""
    if notice.kind is WorldEventKind.RESTART:
        return [_tell_restart(notice)]
    if notice.end is None:
        state: Value = STATE_NAMES.get(notice.state, notice.state.capitalize())
        return [text("**{state}** since {moment}", state=state, moment=Moment(notice.since, "t"))]
    if notice.end is EventEnd.UNHEARD:
        return [text("The last news of it came {moment}.", moment=Moment(notice.since))]
    if notice.end is EventEnd.RESTART:
        return [text("It ended when the game server restarted.")]
    over = [text("It ended {moment}.", moment=Moment(notice.since))]
    if notice.respawn_at is not None:
        over.append(text("It comes back {moment}.", moment=Moment(notice.respawn_at)))
    return over


def _tell_restart(notice: WorldEventNotice) -> Text:
    if notice.end is None:
        return text("The game server is starting. It began {moment}.", moment=Moment(notice.since))
    if notice.end is not EventEnd.OVER:  # the log never told that it was open
        return text("The game server restarted {moment}.", moment=Moment(notice.since))
    if notice.down_seconds is None:
        return text("The game server is open again.")
    return text(
        "The game server is open again. It was down for {span}.",
        span=Span(timedelta(seconds=notice.down_seconds)),
    )


def _is_line(notice: Notice, style: PostStyle) -> bool:
    """Show a card, which can be found again, unless the channel has lines alone."""
    del notice
    return style is PostStyle.LINE


WORLD_LOOK = NoticeLook(
    {
        WorldEventKind.MISSION: VariantLook(0xA8553A, "🚩", "", ""),
        WorldEventKind.AIRDROP: VariantLook(0x3E7CB1, "🪂", "", ""),
        WorldEventKind.HELICRASH: VariantLook(0x8A8D3F, "🚁", "", ""),
        WorldEventKind.TRADER: VariantLook(0xB9924B, "🧳", "", ""),
        WorldEventKind.CONVOY: VariantLook(0x6B5B4B, "🚛", "", ""),
        WorldEventKind.RESTART: VariantLook(0x5B6B7A, "🚀", "", ""),
    },
    build=build_event_embed,
    samples=build_sample_events,
    write=build_event_line,
    is_line=_is_line,
)
