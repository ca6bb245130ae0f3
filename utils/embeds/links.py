"""Links: the answer that names the times of a proof, how it went, and a member's list."""

from collections.abc import Mapping, Sequence

import discord

from utils.embeds.figures import write_count, write_time
from utils.embeds.theme import Theme
from utils.localization.escape import escape_name
from utils.models.links import Link, ProofOutcome, ProofWindow
from utils.models.scope import MemberId

_PROVEN = "✅"
_MAIN = "⭐"
_ADVICE = (
    "What counts is the time in the game server's log. The menu needs about five minutes between two "
    "suicides, so do not use it shortly before."
)

_TITLES: Mapping[ProofOutcome, str] = {
    ProofOutcome.PROVEN: "Linked and proven",
    ProofOutcome.TAKEN: "Somebody else proved it first",
    ProofOutcome.UNCLEAR: "The proof fits more than one",
    ProofOutcome.EXPIRED: "Not proven in time",
    ProofOutcome.ENDED: "This link was ended",
    ProofOutcome.REPLACED: "Asked for again",
}


def build_asked_embed(
    theme: Theme, link: Link, *, count: int, limit: int, is_followed: bool
) -> discord.Embed:
    """Return the answer of ``/link``.

    Args:
        theme: the look.
        link: proven at once, or pending with its windows.
        count: how many links the member has with it.
        limit: how many a member may have.
        is_followed: the outcome will be shown on this very message.
    """
    used = f"{write_count(count)} of {write_count(limit)} links used"
    if link.is_proven:
        return _build_outcome(theme, link, ProofOutcome.PROVEN).set_footer(text=used)
    windows = [f"**{place}.** {_write_window(window)}" for place, window in enumerate(link.windows, start=1)]
    lines = [_write_task(link), "", *windows, "", _ADVICE, _write_ending(is_followed=is_followed)]
    embed = discord.Embed(
        title=f"{theme.waiting} Prove your link", description="\n".join(lines), colour=theme.neutral
    )
    return embed.set_footer(text=used)


def build_outcome_embed(theme: Theme, link: Link, outcome: ProofOutcome) -> discord.Embed:
    """Return what the message that named the times shows in the end."""
    return _build_outcome(theme, link, outcome)


def build_links_embed(
    theme: Theme, member_id: MemberId, links: Sequence[Link], *, limit: int
) -> discord.Embed:
    """Return a member's linked players: main, alts, and what waits for proof."""
    lines = [f"<@{member_id}>", *(_write_link(theme, link) for link in links)]
    if not links:
        lines.append("No player is linked yet: `/link` does it.")
    embed = discord.Embed(title="🔗 Linked players", description="\n".join(lines), colour=theme.neutral)
    return embed.set_footer(text=f"{write_count(len(links))} of {write_count(limit)} links used")


def _build_outcome(theme: Theme, link: Link, outcome: ProofOutcome) -> discord.Embed:
    failed = (ProofOutcome.TAKEN, ProofOutcome.UNCLEAR, ProofOutcome.EXPIRED)
    marks = {ProofOutcome.PROVEN: theme.good, **dict.fromkeys(failed, theme.bad)}
    colours = {ProofOutcome.PROVEN: theme.success, ProofOutcome.TAKEN: theme.error}
    return discord.Embed(
        title=f"{marks.get(outcome, theme.paused)} {_TITLES[outcome]}",
        description=_write_outcome(link, outcome),
        colour=colours.get(outcome, theme.warning),
    )


def _write_outcome(link: Link, outcome: ProofOutcome) -> str:
    member, player = f"<@{link.member_id}>", f"**{escape_name(link.player_name)}**"
    if outcome is ProofOutcome.PROVEN:
        role = "main" if link.is_main else "alt"
        return f"{member} is {player} ({role}). `/links` shows all, `/unlink` ends one."
    if outcome is ProofOutcome.TAKEN:
        return (
            f"{player} belongs to another member now, so the request of {member} has ended. "
            "If that is wrong, ask an admin of this community."
        )
    if outcome is ProofOutcome.UNCLEAR:
        return (
            f"Somebody else asked for {player} as well, and the same suicides fit both requests. Nobody is "
            f"linked, and the request of {member} has ended. Ask again with `/link`, or have an admin link "
            "you with `/admin link confirm`."
        )
    if outcome is ProofOutcome.EXPIRED:
        return (
            f"The log did not show {player} taking the menu's suicide in both times, so the request of "
            f"{member} has ended. `/link` gives new times.\nDid you do both? Then the clock or the time zone "
            "of the game server may be set wrong: an admin can link you with `/admin link confirm`."
        )
    if outcome is ProofOutcome.ENDED:
        return f"{member} and {player} are not linked (any more). `/link` begins again."
    return f"{member} asked again for {player}: the times that count stand in the newer message."


def _write_task(link: Link) -> str:
    return (
        f"<@{link.member_id}>, show that you play **{escape_name(link.player_name)}**: take the suicide of "
        "the game's own menu once in each of these times, on any game server of this community."
    )


def _write_ending(*, is_followed: bool) -> str:
    if is_followed:
        return "This message will tell how it went."
    return (
        "I cannot change this message later, because I lack View Channel here: "
        "`/links` tells whether it worked."
    )


def _write_window(window: ProofWindow) -> str:
    start, end = write_time(window.starts_at, "t"), write_time(window.ends_at, "t")
    return f"{start} to {end} ({write_time(window.starts_at)})"


def _write_link(theme: Theme, link: Link) -> str:
    name = f"**{escape_name(link.player_name)}**"
    if not link.is_proven:
        times = " and ".join(write_time(window.starts_at, "t") for window in link.windows)
        return f"{theme.waiting} {name} · not proven yet{f', at {times}' if times else ''}"
    role = f"{_MAIN} main" if link.is_main else "alt"
    return f"{_PROVEN} {name} · {role} · {write_time(link.proven_at or link.linked_at, 'D')}"
