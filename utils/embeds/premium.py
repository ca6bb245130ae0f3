"""Premium: what a community has, the table of tiers, and what a grant changed."""

from collections.abc import Sequence

import discord

from utils.embeds.figures import write_count, write_time
from utils.embeds.theme import Theme
from utils.localization.escape import escape_name, escape_text
from utils.models.premium import (
    TIERS,
    GrantChange,
    PremiumEvent,
    PremiumOverview,
    PremiumState,
    TierOffer,
)
from utils.models.quantities import write_quantity

SHOWN_EVENTS = 5
_REASON_LENGTH = 200


def build_premium_embed(theme: Theme, overview: PremiumOverview) -> discord.Embed:
    """Return a community's tier, its end, its game servers, and every tier."""
    state = overview.state
    embed = discord.Embed(
        title=f"💎 Tier {state.tier.level}: {state.tier.name}",
        description=_write_end(state),
        colour=theme.warning if overview.paused else theme.neutral,
    )
    embed.add_field(name="Game servers", value=_write_slots(theme, overview), inline=False)
    return _add_offers(embed, overview.offers, own=state.tier.level)


def build_tiers_embed(theme: Theme, overview: PremiumOverview) -> discord.Embed:
    """Return the table of tiers; the community's own is marked."""
    embed = discord.Embed(
        title="💎 Tiers",
        description="Each tier has all that the ones below it have. Those who host this bot grant them.",
        colour=theme.neutral,
    )
    return _add_offers(embed, overview.offers, own=overview.state.tier.level)


def build_grant_embed(theme: Theme, title: str, change: GrantChange, *, is_member: bool) -> discord.Embed:
    """Return what a grant or its end changed, for those who gave or took it; ``title`` is escaped."""
    embed = discord.Embed(title=f"{theme.good} {title}", colour=theme.success)
    if not is_member:
        embed.description = (
            "I am not in that Discord server. What was changed counts once I am invited there."
        )
    embed.add_field(name="Now", value=_write_state(change.new), inline=False)
    embed.add_field(name="Before", value=_write_state(change.old), inline=False)
    if change.paused:
        names = ", ".join(escape_name(name) for name in change.paused)
        embed.add_field(name="Paused game servers", value=names, inline=False)
    history = "\n".join(_write_event(event) for event in reversed(change.history[-SHOWN_EVENTS:]))
    return embed.add_field(name="History", value=history or "none", inline=False)


def _add_offers(embed: discord.Embed, offers: Sequence[TierOffer], *, own: int) -> discord.Embed:
    for offer in offers:
        mark = "▶ " if offer.tier.level == own else ""
        embed.add_field(
            name=f"{mark}{offer.tier.level} · {offer.tier.name}", value=_write_offer(offer), inline=False
        )
    return embed


def _write_offer(offer: TierOffer) -> str:
    servers = write_quantity(offer.tier.servers, "game server")
    line = f"{servers}, read every {offer.poll_seconds:g} s"
    opens = ", ".join(offer.opens) or ("everything" if offer.tier == TIERS[-1] else "")
    return f"{line} · {opens}" if opens else line


def _write_slots(theme: Theme, overview: PremiumOverview) -> str:
    room, used = overview.state.tier.servers, len(overview.servers) - len(overview.paused)
    free = max(room - used, 0)
    lines = [f"{write_count(used)} of {write_count(room)} used, {write_count(free)} free"]
    if overview.paused:
        names = ", ".join(escape_name(name) for name in overview.paused)
        lines.append(f"{theme.paused} Paused, over the limit: {names}. Nothing of them is deleted.")
    return "\n".join(lines)


def _write_end(state: PremiumState) -> str:
    if not state.is_granted:
        return "What every community has here without a grant; it has no end."
    if state.ends_at is None:
        return "Granted without an end."
    return f"Until {write_time(state.ends_at, 'f')}, {write_time(state.ends_at)}."


def _write_state(state: PremiumState) -> str:
    name = f"Tier {state.tier.level} ({state.tier.name})"
    if not state.is_granted:
        return f"{name}, the default without a grant"
    return f"{name}, until {write_time(state.ends_at, 'f')}" if state.ends_at else f"{name}, without an end"


def _write_event(event: PremiumEvent) -> str:
    parts = [f"{write_time(event.at, 'f')} · tier {event.tier} {event.action}"]
    if event.ends_at is not None:
        parts.append(f"end {write_time(event.ends_at, 'D')}")
    if event.by is not None:
        parts.append(f"by <@{event.by}>")
    if event.reason:
        parts.append(escape_text(event.reason, _REASON_LENGTH))
    return " · ".join(parts)
