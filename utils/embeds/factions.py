"""Factions: answers and lists."""

from collections.abc import Sequence

import discord

from utils.embeds.limits import MAX_FIELD_VALUE, pack_lines
from utils.embeds.players import BOARDS, BoardLine, build_ranking, describe_coverage, list_board_lines
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import NONE_YET, count_kills, frame, join_facts
from utils.models.factions import (
    EndedMembership,
    Faction,
    FactionFigures,
    FactionInvitation,
    FactionMembers,
    FactionPeriod,
    FactionRank,
    FactionRow,
    choose_successor,
)
from utils.models.scope import MemberId
from utils.models.statistics import Board, Coverage
from utils.models.texts import (
    Command,
    Mention,
    Metres,
    Moment,
    Number,
    Text,
    Value,
    join,
    plural,
    text,
)

NO_NAME = "\u200b"  # of a field; Discord wants a character

_RANK_MARKS = {FactionRank.LEADER: "👑", FactionRank.OFFICER: "🎖️", FactionRank.MEMBER: "▫️"}


def build_founded_embed(style: Style, faction: Faction, leader_id: MemberId) -> discord.Embed:
    """Return the answer of ``/faction create``."""
    said = text(
        "{leader} leads **{faction}** [{tag}].",
        leader=Mention("@", leader_id),
        faction=faction.name,
        tag=faction.tag,
    )
    how = text("Invite members with {invite}.", invite=Command("faction invite"))
    if faction.is_open:
        how = text("Members join it with {join}.", join=Command("faction join"))
    return build_success_embed(style, text("Faction founded"), join([said, how]))


def build_invited_embed(style: Style, faction: Faction, invitation: FactionInvitation) -> discord.Embed:
    """Return the answer of ``/faction invite``."""
    said = text(
        "{member}, you're invited to **{faction}** [{tag}]. Join it with {join}. The invitation ends {at}.",
        member=Mention("@", invitation.member_id),
        faction=faction.name,
        tag=faction.tag,
        join=Command("faction join"),
        at=Moment(invitation.expires_at),
    )
    return build_success_embed(style, text("Invited"), said)


def build_edited_embed(style: Style, before: Faction, after: Faction) -> discord.Embed:
    """Return the answer of ``/faction edit``, and of a rename by an admin."""
    lines: list[Value] = []
    if before.name != after.name:
        lines.append(text("Name: **{old}** → **{new}**", old=before.name, new=after.name))
    if before.tag != after.tag:
        lines.append(text("Tag: [{old}] → [{new}]", old=before.tag, new=after.tag))
    if before.is_open != after.is_open:
        lines.append(
            text("Anyone may join now.") if after.is_open else text("Members need an invitation now.")
        )
    return build_success_embed(style, text("Faction changed"), join(lines, "\n"))


def build_leave_question_embed(style: Style, own: FactionMembers, member_id: MemberId) -> discord.Embed:
    """Return the question before a member leaves, with what follows."""
    left = [one for one in own.members if one.member_id != member_id]
    successor = choose_successor(left)
    said = text("You can come back at any time, but you can join another faction only after 24 hours.")
    if not left:
        said = text("You're its last member, so the faction will be disbanded.")
    elif successor is not None:
        said = text("{member} will lead it after you.", member=Mention("@", successor.member_id))
    return style.build(text("Leave {faction}?", faction=own.faction.name), said)


def build_left_embed(style: Style, ended: EndedMembership) -> discord.Embed:
    """Return the answer of ``/faction leave``."""
    return build_success_embed(style, text("Left"), describe_left(ended))


def describe_left(ended: EndedMembership) -> Text:
    """Return what the end of the reader's own membership led to."""
    name = ended.faction.name
    if ended.is_disbanded:
        return text("You left **{faction}**. You were its last member, so it is disbanded.", faction=name)
    if ended.successor_id is None:
        return text("You left **{faction}**.", faction=name)
    leader = Mention("@", ended.successor_id)
    return text("You left **{faction}**. {leader} leads it now.", faction=name, leader=leader)


def build_faction_embed(style: Style, figures: FactionFigures, coverage: Coverage) -> discord.Embed:
    """Return the answer of ``/faction info``."""
    shown, faction = figures.shown, figures.shown.faction
    embed = style.build(
        text("🏴 {faction} [{tag}]", faction=faction.name, tag=faction.tag),
        describe_coverage(coverage),
        colour=style.theme.ranking,
    )
    for name, value in _list_figures(figures):
        style.add_field(embed, name, value, inline=True)
    ranked = sorted(shown.members, key=lambda one: -_count_kills(figures, one.member_id))
    members = [style.write(_show_member(one, _count_kills(figures, one.member_id))) for one in ranked]
    title = style.write(plural("{count} member by kills", "{count} members by kills", len(members)))
    for part in pack_lines(members, MAX_FIELD_VALUE):  # all of them, in the words of every language
        embed.add_field(name=title, value=part, inline=False)
        title = NO_NAME
    how = text("Anyone may join.") if faction.is_open else text("Joining needs an invitation.")
    return style.add_footer(embed, how)


def build_faction_list_embed(
    style: Style, factions: Sequence[FactionFigures], coverage: Coverage, *, first: int
) -> discord.Embed:
    """Return one page of the factions; ``first`` is the number of its first row, from 1."""
    lines = [
        f"`{number}` {style.write(_show_faction(one))}" for number, one in enumerate(factions, start=first)
    ]
    if lines:
        lines = [style.write(describe_coverage(coverage)), "", *lines]
    nobody = text("No faction yet. Found the first with {create}.", create=Command("faction create"))
    return style.build(text("🏴 Factions"), nobody, lines=lines, colour=style.theme.ranking)


def build_faction_board_embed(
    style: Style, rows: Sequence[FactionRow], coverage: Coverage, *, own: FactionRow | None = None
) -> discord.Embed:
    """Return one page of the board of factions; ``own`` is marked, or stands below."""
    mine = None if own is None else _build_line(own)
    lines = list_board_lines(style, list(map(_build_line, rows)), mine)
    return build_ranking(style, BOARDS[Board.FACTIONS], coverage, lines)


def _build_line(row: FactionRow) -> BoardLine:
    name = frame("**{name}** [{tag}]", name=row.name, tag=row.tag)
    return BoardLine(row.faction_id, row.rank, name, count_kills(row.kills))


def _list_figures(figures: FactionFigures) -> list[tuple[Text, Value]]:
    counters, shown = figures.counters, figures.shown
    leader: Value = NONE_YET if shown.leader_id is None else Mention("@", shown.leader_id)
    found: list[tuple[Text, Value]] = [
        (text("Leader"), leader),
        (text("Kills"), Number(counters.kills)),
        (text("Deaths"), Number(counters.deaths)),
        (text("K/D"), Number(counters.ratio, 2)),
        (text("XP"), Number(counters.xp)),
    ]
    if counters.longest:
        found.append((text("Longest kill"), Metres(counters.longest)))
    if counters.best_streak:
        found.append((text("Best streak"), Number(counters.best_streak)))
    if figures.place is not None:
        place = text("#{rank} of {ranked}", rank=Number(figures.place), ranked=Number(figures.places))
        found.append((text("Place"), place))
    return found


def _count_kills(figures: FactionFigures, member_id: MemberId) -> int:
    counters = figures.by_member.get(member_id)
    return 0 if counters is None else counters.kills


def _show_faction(figures: FactionFigures) -> Text:
    shown, faction = figures.shown, figures.shown.faction
    facts: list[Value] = [
        text("**{faction}** [{tag}]", faction=faction.name, tag=faction.tag),
        count_kills(figures.counters.kills),
        plural("{count} member", "{count} members", len(shown.members)),
    ]
    if shown.leader_id is not None:
        facts.append(text("led by {leader}", leader=Mention("@", shown.leader_id)))
    if faction.is_open:
        facts.append(text("open"))
    return join_facts(facts)


def _show_member(member: FactionPeriod, kills: int) -> Text:
    who = join([_RANK_MARKS[member.rank], Mention("@", member.member_id)])
    return join_facts([who, count_kills(kills)])
