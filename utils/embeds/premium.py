"""Premium: the tier of a community, the table of tiers, and the result of a grant."""

from collections.abc import Sequence

import discord

from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import SEPARATOR, frame, join_facts, show_name
from utils.models.premium import (
    TIERS,
    GrantChange,
    PremiumAction,
    PremiumEvent,
    PremiumOverview,
    PremiumState,
    TierOffer,
)
from utils.models.servers import count_game_servers
from utils.models.texts import Mention, Moment, Names, Number, Text, Value, join, text, text_in
from utils.models.visible_text import clean_text

SHOWN_EVENTS = 5
_REASON_LENGTH = 200
_INCLUDES = text("Each tier includes everything of the lower tiers.")


def build_premium_embed(style: Style, overview: PremiumOverview) -> discord.Embed:
    """Return a community's tier, its end, its game servers, and every tier, in short lines for a phone."""
    state = overview.state
    title = text("⭐ Tier {level}: {name}", level=Number(state.tier.level), name=state.tier.name)
    colour = style.theme.warning if overview.paused else style.theme.neutral
    embed = style.build(title, _describe_end(state), colour=colour)
    style.add_field(embed, text("Game servers"), _describe_capacity(style, overview))
    return style.add_field(embed, text("All tiers"), _list_offers(overview))


def build_tiers_embed(style: Style, overview: PremiumOverview) -> discord.Embed:
    """Return the table of tiers; the community's own is marked."""
    granted = text("The bot's owner grants them.")
    return style.build(text("⭐ Tiers"), join([_list_offers(overview), granted], "\n"))


def build_grant_embed(style: Style, title: Text, change: GrantChange, *, is_member: bool) -> discord.Embed:
    """Return the result of a grant or its end, for the owners."""
    away = text("I'm not in that Discord server yet. The change counts once I'm invited.")
    embed = build_success_embed(style, title, None if is_member else away)
    history = [_describe_event(event) for event in reversed(change.history[-SHOWN_EVENTS:])]
    style.add_field(embed, text("Now"), _describe_state(change.new))
    style.add_field(embed, text("Before"), _describe_state(change.old))
    if change.paused:
        style.add_field(embed, text("Paused game servers"), _list_names(change.paused))
    listed = join(history, "\n") if history else text_in("a list", "none")
    return style.add_field(embed, text("History"), listed)


def _list_names(names: Sequence[str]) -> Names:
    return Names(tuple(map(show_name, names)))


def _list_offers(overview: PremiumOverview) -> Text:
    """Return two lines for each tier, the own one marked: its servers, then what it opens."""
    lines: list[Text] = []
    for offer in overview.offers:
        mark = "▶ " if offer.tier.level == overview.state.tier.level else ""
        shape = f"{mark}**{{level}}{SEPARATOR}{{name}}**{SEPARATOR}{{servers}}"
        level, servers = Number(offer.tier.level), count_game_servers(offer.tier.servers)
        lines.append(frame(shape, level=level, name=offer.tier.name, servers=servers))
        lines.append(frame("-# {facts}", facts=join_facts(_list_facts(offer))))
    return join([*lines, _INCLUDES], "\n")


def _list_facts(offer: TierOffer) -> list[Value]:
    """Return poll interval and features; half seconds are shown, because the setting allows them."""
    seconds = offer.poll_seconds
    pace = text("checked every {seconds} s", seconds=Number(seconds, 0 if float(seconds).is_integer() else 1))
    if offer.opens:
        return [pace, Names(offer.opens)]
    if offer.tier != TIERS[-1]:
        return [pace]
    return [pace, text("all features of tier {level}", level=Number(offer.tier.level - 1))]


def _describe_capacity(style: Style, overview: PremiumOverview) -> Text:
    capacity, used = overview.state.tier.servers, len(overview.servers) - len(overview.paused)
    counts = text(
        "{used} of {capacity} used",
        used=Number(used),
        capacity=Number(capacity),
    )
    if not overview.paused:
        return counts
    paused = text(
        "Paused, over the limit: {servers}. I keep their data.", servers=_list_names(overview.paused)
    )
    return join([counts, frame(f"{style.theme.paused} {{paused}}", paused=paused)], "\n")


def _describe_end(state: PremiumState) -> Text:
    if not state.is_granted:
        return text("Default tier, doesn't expire.")
    if state.ends_at is None:
        return text("Granted, doesn't expire.")
    return text("Ends {end} ({left}).", end=Moment(state.ends_at, "f"), left=Moment(state.ends_at))


def _describe_state(state: PremiumState) -> Text:
    level, name = Number(state.tier.level), state.tier.name
    if not state.is_granted:
        return text("Tier {level} ({name}), the default", level=level, name=name)
    if state.ends_at is None:
        return text("Tier {level} ({name}), doesn't expire", level=level, name=name)
    return text("Tier {level} ({name}), until {end}", level=level, name=name, end=Moment(state.ends_at, "f"))


def _describe_event(event: PremiumEvent) -> Text:
    tier = Number(event.tier)
    done = {
        PremiumAction.GRANTED: text("tier {tier} granted", tier=tier),
        PremiumAction.REVOKED: text("tier {tier} revoked", tier=tier),
        PremiumAction.ENDED: text("tier {tier} ended", tier=tier),
    }
    facts: list[Value] = [Moment(event.at, "f"), done[event.action]]
    if event.action is PremiumAction.GRANTED and event.ends_at is not None:
        facts.append(text("until {moment}", moment=Moment(event.ends_at, "D")))
    if event.by is not None:
        facts.append(text("by {member}", member=Mention("@", event.by)))
    if event.reason:
        facts.append(clean_text(event.reason, _REASON_LENGTH))
    return join_facts(facts)
