"""Events of the world and their posts: the answers of ``/server events`` and ``/events``."""

from collections.abc import Iterator, Mapping, Sequence

import discord

from utils.embeds.event_values import describe_event_value
from utils.embeds.notices.world import KIND_NAMES, STATE_NAMES
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import join_facts, show_name
from utils.models.event_settings import (
    FITTING,
    OF_PLAYERS,
    POSTED_KIND_NAMES,
    SILENT_AT_FIRST,
    USUAL,
    EventChange,
    PostedKind,
    ServerEventSettings,
)
from utils.models.missions import LEVEL_NAMES, get_mission
from utils.models.scope import ChannelId
from utils.models.texts import Mention, Moment, Names, Text, Value, text, text_in
from utils.models.world_events import WorldEvent, WorldEventKind
from utils.models.world_reports import KindRow, KindTable, WorldReport

_OPTION_NAMES: Mapping[str, Text] = {
    "is_on": text("Posted"),
    "min_level": text("Lowest level"),
    "is_edited": text("Edited when they change"),
    "hold_seconds": text("Time to come back"),
    "role_id": text("Mentioned role"),
    "cooldown_minutes": text("Pause between mentions"),
    "mention_level": text("Lowest level with a mention"),
}


def list_events(report: WorldReport) -> list[Text]:
    """Return the lines about one server: open events, known returns, the last airdrop."""
    facts: list[Value] = [text("**{server}**", server=show_name(report.server_name))]
    if not report.is_known:
        return [join_facts([*facts, text("I haven't read its log yet")])]
    if report.as_of is not None:
        facts.append(text("as of {moment}", moment=Moment(report.as_of)))
    if not report.open:
        facts.append(text("nothing open"))
    lines = [join_facts(facts), *map(_describe_open, report.open), *map(_describe_return, report.returns)]
    if report.airdrop_at is not None:
        lines.append(text("Last airdrop {moment}", moment=Moment(report.airdrop_at)))
    return lines


def build_events_embed(style: Style, lines: Sequence[Text]) -> discord.Embed:
    """Return a page of what happens in the worlds."""
    return style.build(text("🗺️ Events"), lines=[style.write(line) for line in lines])


def list_kind_rows(table: KindTable) -> list[Text]:
    """Return the lines about one server: each kind of posts, then the muted missions."""
    lines = [text("**{server}**", server=show_name(table.server_name)), *map(_describe_kind, table.rows)]
    if table.muted:
        lines.append(text("Muted: {missions}", missions=Names(table.muted)))
    return lines


def build_kinds_embed(style: Style, lines: Sequence[Text]) -> discord.Embed:
    """Return a page of what is posted."""
    return style.build(text("📣 Posts of events and players"), lines=[style.write(line) for line in lines])


def build_event_settings_embed(
    style: Style, kind: PostedKind, change: EventChange, *, is_saved: bool
) -> discord.Embed:
    """Return what holds for a kind of posts, with the old values of what has just changed."""
    where = text("{kind} of all game servers:", kind=_begin(style, kind))
    if change.server_name is not None:
        where = text("{kind} of {server}:", kind=_begin(style, kind), server=change.server_name)
    embed = (
        build_success_embed(style, text("Posts changed"), where)
        if is_saved
        else style.build(text("⚙️ Posts"), where)
    )
    for name, label in _OPTION_NAMES.items():
        if name in FITTING[kind]:
            old, new = (_describe_option(one, kind, name) for one in (change.before, change.after))
            is_same = style.write(old) == style.write(new)
            value = new if is_same else text("{old} → {new}", old=old, new=new)
            style.add_field(embed, label, value, inline=True)
    return embed


def _begin(style: Style, kind: PostedKind) -> str:
    name = style.write(POSTED_KIND_NAMES[kind])
    return name[:1].upper() + name[1:]


def _describe_option(settings: ServerEventSettings, kind: PostedKind, name: str) -> Value:
    """Return the value of an option that holds: the usual one if nobody chose another."""
    chosen = settings.get(kind)
    value: object = getattr(chosen.over(USUAL), name)
    if name == "is_on" and chosen.is_on is None and kind in SILENT_AT_FIRST:
        return text("once one is seen")
    is_of_mention = name in ("cooldown_minutes", "mention_level")
    if value is None or (is_of_mention and chosen.role_id is None):
        return text_in("a setting", "none")
    return describe_event_value(name, value)


def _describe_kind(row: KindRow) -> Text:
    """Return a line about a kind: on or off, from which level, role, channel, and whether it was seen."""
    facts: list[Value] = [describe_event_value("is_on", row.is_on)]
    if row.is_on:
        facts += _list_posting_facts(row)
    if row.seen_at is not None:
        facts.append(text("seen here {moment}", moment=Moment(row.seen_at)))
    elif row.kind not in OF_PLAYERS:
        facts.append(text("not yet seen here"))
    return text("{kind}: {facts}", kind=POSTED_KIND_NAMES[row.kind], facts=join_facts(facts))


def _list_posting_facts(row: KindRow) -> Iterator[Value]:
    if row.kind is PostedKind.MISSION:
        level = row.choices.over(USUAL).min_level
        yield text("from {level} on", level=describe_event_value("min_level", level))
    if row.choices.role_id is not None:
        yield text("{role}", role=Mention("@&", row.choices.role_id))
    yield _describe_channel(row.channel_id)


def _describe_channel(channel_id: ChannelId | None) -> Value:
    return text("no channel yet") if channel_id is None else Mention("#", channel_id)


def _describe_open(event: WorldEvent) -> Text:
    state: Value = STATE_NAMES.get(event.state, event.state.capitalize())
    since = Moment(event.since, "t")
    return text("{event}: {state} since {moment}", event=_name(event), state=state, moment=since)


def _describe_return(event: WorldEvent) -> Text:
    moment = Moment(event.respawn_at or event.since)
    return text("{event} comes back {moment}", event=_name(event), moment=moment)


def _name(event: WorldEvent) -> Value:
    """Return the name of an event, of a mission with its hardest level."""
    if event.kind is not WorldEventKind.MISSION:
        return KIND_NAMES[event.kind]
    mission = get_mission(event.key.event_id)
    name = show_name(mission.name)
    if mission.level is None:
        return name
    return text("{mission} (up to {level})", mission=name, level=LEVEL_NAMES[mission.level])
