"""The killfeed: a line for an ordinary death, a card of three rows for a special one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum

import discord

from utils.embeds.notices.look import NoticeLook, VariantLook, build_post, write_line, write_title
from utils.embeds.notices.weapons import WeaponClass, classify_weapon
from utils.embeds.style import Style
from utils.embeds.values import SEPARATOR, WEAPONS, frame, join_facts, show_money, show_name
from utils.models.deaths import DeathKind, DeathRow
from utils.models.notices.deaths import DeathNotice
from utils.models.notices.highlights import MOST_HIGHLIGHTS, Highlight, HighlightKind
from utils.models.players import Counters
from utils.models.post_styles import PostStyle
from utils.models.texts import Metres, Number, Text, Value, join, text

SHOWN_STREAK = 3
"""A shorter streak is none."""

_GOLD, _RED = 0xE0AC2B, 0xE23B2E


def build_death_card(style: Style, look: VariantLook, notice: DeathNotice) -> discord.Embed:
    """Return the card of a death; highlights give it its title and the colour of its edge."""
    killer = _show_tagged(notice.killer_name, notice.killer_tag)
    victim = _show_tagged(notice.victim_name, notice.victim_tag)
    sentence = write_line(style, look, notice, killer=killer, victim=victim)
    facts = _list_facts(notice)
    if not notice.highlights:
        return build_post(style, look, notice, [sentence], facts=facts)
    title, *more = [_write_highlight(style, notice, one) for one in notice.highlights[:MOST_HIGHLIGHTS]]
    more += [
        style.write(text("Old record: {metres}", metres=Metres(one.before)))
        for one in notice.highlights
        if one.before
    ]
    coloured = replace(look, colour=HIGHLIGHTS[notice.highlights[0].kind].colour)
    lines = [sentence, SEPARATOR.join(more)]
    return build_post(style, coloured, notice, lines, facts=facts, title=title)


def write_death_line(style: Style, look: VariantLook, notice: DeathNotice) -> str:
    """Return the line of a death, for example ``🎯 **Ghost** → **Otter** · Mosin 187 m``."""
    mark = HIGHLIGHTS[notice.highlights[0].kind].mark if notice.highlights else look.mark
    server = show_name(notice.server_name)
    facts: list[Value] = [tell_death(notice), *([server] if server else [])]
    return f"{mark} {style.write(join_facts(facts))}"


def tell_death(death: DeathNotice | DeathRow) -> Text:
    """Return what happened to whom, in one line."""
    victim, killer, weapon = map(show_name, (death.victim_name, death.killer_name, death.weapon))
    if isinstance(death, DeathNotice):
        victim = _show_tagged(death.victim_name, death.victim_tag)
        killer = _show_tagged(death.killer_name, death.killer_tag)
    match death.kind:
        case DeathKind.KILL | DeathKind.VEHICLE:
            pair = frame("**{killer}** → **{victim}**", killer=killer, victim=victim)
            facts = [fact for fact in (_show_weapon(death), _show_distance(death)) if fact]
            return join_facts([pair, join(facts)]) if facts else pair
        case DeathKind.MENU:
            return text("**{victim}** respawned", victim=victim)
        case DeathKind.FALL:
            return text("**{victim}** fell to their death", victim=victim)
        case DeathKind.SELF if weapon:
            return text("**{victim}** was killed by their own {weapon}", victim=victim, weapon=weapon)
        case DeathKind.SELF:
            return text("**{victim}** died in an accident", victim=victim)
        case DeathKind.UNKNOWN:
            return text("**{victim}** died in the wild", victim=victim)


def is_death_line(notice: DeathNotice, style: PostStyle) -> bool:
    """Tell whether a death is a line: always a respawn, and else by the style of the channel."""
    if notice.kind is DeathKind.MENU or style is PostStyle.LINE:
        return True
    return style is PostStyle.STORY and not notice.highlights


def choose_death_look(notice: DeathNotice) -> StrEnum:
    """Return the class of the weapon of a kill; the class of death for others and for unknown weapons."""
    weapon_class = classify_weapon(notice.weapon) if notice.kind is DeathKind.KILL else None
    return weapon_class or notice.kind


def build_sample_deaths(
    style: Style, *, event_id: bytes, server_name: str, at: datetime
) -> Sequence[DeathNotice]:
    """Return two invented kills: an ordinary one, and a new record."""
    ordinary = DeathNotice(
        event_id=event_id,
        server_name=server_name,
        at=at,
        kind=DeathKind.KILL,
        killer_name=style.write_plain(text("Sample killer")),
        victim_name=style.write_plain(text("Sample victim")),
        weapon="Mosin",
        distance=123,
        killer_kills=12,
        killer_deaths=5,
        killer_streak=3,
    )
    record = Highlight(HighlightKind.RECORD, 720, 412)
    special = replace(ordinary, distance=720, killer_kills=13, killer_streak=4, highlights=(record,))
    return ordinary, special


def _list_facts(notice: DeathNotice) -> list[Value]:
    """Return the facts of a card that its title does not tell yet."""
    told = {one.kind for one in notice.highlights}
    has_weapon = notice.kind.is_kill or notice.kind is DeathKind.SELF
    facts = [_show_weapon(notice)] if has_weapon else []
    if HighlightKind.RECORD not in told:
        facts.append(_show_distance(notice))
    if notice.killer_kills is not None and notice.killer_deaths is not None:
        counters = Counters(kills=notice.killer_kills, deaths=notice.killer_deaths)
        facts.append(text("K/D {ratio}", ratio=Number(counters.ratio, 2)))
    if (notice.killer_streak or 0) >= SHOWN_STREAK and HighlightKind.STREAK not in told:
        facts.append(text("Streak {kills}", kills=Number(notice.killer_streak or 0)))
    return facts


def _show_tagged(name: str, tag: str) -> str:
    """Return a name behind the tag of the player's faction."""
    return f"[{tag}] {show_name(name)}" if tag else show_name(name)


def _show_weapon(death: DeathNotice | DeathRow) -> Value:
    return WEAPONS.get(death.weapon) or show_name(death.weapon)


def _show_distance(death: DeathNotice | DeathRow) -> Value:
    """Return the distance of a shot; the log's number for vehicles and falls means nothing."""
    return Metres(death.distance) if death.kind is DeathKind.KILL and death.distance else ""


def _write_highlight(style: Style, notice: DeathNotice, highlight: Highlight) -> str:
    value: Value = Number(highlight.number)
    if highlight.kind is HighlightKind.RECORD:
        value = Metres(highlight.number)
    elif highlight.kind is HighlightKind.BOUNTY:
        value = show_money(style.theme, highlight.number)
    return write_title(style, HIGHLIGHTS[highlight.kind], notice, value=value)


def _build_look(name: StrEnum, colour: int, mark: str) -> VariantLook:
    return VariantLook(colour, mark, f"{name.value}.png", f"death.{name.value}")


def _build_highlight(kind: HighlightKind, colour: int, mark: str) -> VariantLook:
    return VariantLook(colour, mark, "", f"highlight.{kind.value}")


HIGHLIGHTS: Mapping[HighlightKind, VariantLook] = {
    HighlightKind.RECORD: _build_highlight(HighlightKind.RECORD, _GOLD, "🏔️"),
    HighlightKind.MILESTONE: _build_highlight(HighlightKind.MILESTONE, _GOLD, "🏅"),
    HighlightKind.BOUNTY: _build_highlight(HighlightKind.BOUNTY, _GOLD, "💰"),
    HighlightKind.MULTIKILL: _build_highlight(HighlightKind.MULTIKILL, _RED, "⚡"),
    HighlightKind.STREAK_ENDED: _build_highlight(HighlightKind.STREAK_ENDED, _RED, "🛑"),
    HighlightKind.STREAK: _build_highlight(HighlightKind.STREAK, _RED, "🔥"),
    HighlightKind.REVENGE: _build_highlight(HighlightKind.REVENGE, _RED, "⚔️"),
    HighlightKind.FIRST_BLOOD: _build_highlight(HighlightKind.FIRST_BLOOD, _RED, "🩸"),
}
"""The look of each highlight: the edge of its card, and its mark."""

DEATH_LOOK = NoticeLook(
    {
        DeathKind.KILL: _build_look(DeathKind.KILL, 0x7A4F4B, "🎯"),
        DeathKind.VEHICLE: _build_look(DeathKind.VEHICLE, 0xC77B2B, "🚙"),
        DeathKind.MENU: VariantLook(0x5B6B7A, "🔄", "", ""),
        DeathKind.FALL: _build_look(DeathKind.FALL, 0x3E6C8F, "🪨"),
        DeathKind.SELF: _build_look(DeathKind.SELF, 0x8A6D1F, "💥"),
        DeathKind.UNKNOWN: _build_look(DeathKind.UNKNOWN, 0x3F5B45, "🐺"),
        WeaponClass.SNIPER: _build_look(WeaponClass.SNIPER, 0x4F7A6B, "🎯"),
        WeaponClass.RIFLE: _build_look(WeaponClass.RIFLE, 0x6B7550, "🎯"),
        WeaponClass.SMG: _build_look(WeaponClass.SMG, 0x5C6E8C, "🎯"),
        WeaponClass.SHOTGUN: _build_look(WeaponClass.SHOTGUN, 0x8C5A3C, "🎯"),
        WeaponClass.PISTOL: _build_look(WeaponClass.PISTOL, 0x75698A, "🎯"),
        WeaponClass.BLADE: _build_look(WeaponClass.BLADE, 0x8F8F96, "🎯"),
        WeaponClass.EXPLOSIVE: _build_look(WeaponClass.EXPLOSIVE, 0xB5651D, "🎯"),
    },
    build=build_death_card,
    samples=build_sample_deaths,
    choose=choose_death_look,
    write=write_death_line,
    is_line=is_death_line,
)
