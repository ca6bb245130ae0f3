"""Bounties and wallets: lists, and the answers around money."""

from collections.abc import Mapping, Sequence

import discord

from utils.embeds.figures import write_count, write_emeralds, write_time
from utils.embeds.notices.bounties import BOUNTY_LOOK, write_placer
from utils.embeds.theme import Theme
from utils.localization.escape import escape_name, escape_text
from utils.models.money import (
    Bounty,
    BountySettings,
    BountyState,
    LedgerKind,
    LedgerRow,
    Wallet,
    compute_cancel_fee,
)
from utils.models.notices.bounties import BountyEvent
from utils.models.scope import ServerId

_SEPARATOR = " · "
_REASON_LENGTH = 80
_KINDS = {
    LedgerKind.KILL: "kill of",
    LedgerKind.BOUNTY_PLACED: "bounty on",
    LedgerKind.BOUNTY_CLAIMED: "claimed the bounty on",
    LedgerKind.BOUNTY_EXPIRED: "nobody claimed the bounty on",
    LedgerKind.BOUNTY_CANCELLED: "cancelled the bounty on",
    LedgerKind.BOUNTY_WITHDRAWN: "its server was removed: bounty on",
    LedgerKind.ADMIN: "an admin:",
}
_STATES = {
    BountyState.OPEN: "open",
    BountyState.CLAIMED: "claimed",
    BountyState.EXPIRED: "not claimed, paid back",
    BountyState.CANCELLED: "cancelled",
    BountyState.WITHDRAWN: "its server was removed, paid back",
}


def build_placed_embed(theme: Theme, bounty: Bounty, *, server_name: str) -> discord.Embed:
    """Return the answer of ``/bounty place``."""
    look = BOUNTY_LOOK.variants[BountyEvent.PLACED]
    embed = discord.Embed(title=f"{look.mark} Bounty placed", colour=look.colour)
    embed.description = (
        f"{write_emeralds(theme, bounty.amount)} are held for the player who kills "
        f"**{escape_name(bounty.player_name)}** on {escape_name(server_name)}."
    )
    embed.add_field(name="Target", value=escape_name(bounty.player_name))
    embed.add_field(name="Amount", value=write_emeralds(theme, bounty.amount))
    embed.add_field(name="Ends", value=write_time(bounty.expires_at))
    return embed


def build_bounty_list_embed(
    theme: Theme,
    bounties: Sequence[Bounty],
    *,
    first: int,
    where: str,
    server_names: Mapping[ServerId, str],
) -> discord.Embed:
    """Return one page of the open bounties.

    Args:
        theme: the look.
        bounties: the rows of this page.
        first: the number of the first row, from 1.
        where: name of the server, or words for several; escaped here.
        server_names: told in the rows when there is more than one.
    """
    lines = [
        _write_open(theme, bounty, number, server_names if len(server_names) > 1 else {})
        for number, bounty in enumerate(bounties, start=first)
    ]
    text = "\n".join(lines) or "Nobody is wanted. `/bounty place` puts a price on a player."
    embed = discord.Embed(title="📜 Open bounties", description=text, colour=theme.ranking)
    return embed.add_field(name="Where", value=escape_name(where), inline=False)


def build_own_bounties_embed(
    theme: Theme, placed: Sequence[Bounty], claimed: Sequence[Bounty]
) -> discord.Embed:
    """Return one page of what a member placed and claimed."""
    parts = []
    if placed:
        parts.append("\n".join(["**Placed**", *(_write_placed(theme, bounty) for bounty in placed)]))
    if claimed:
        parts.append("\n".join(["**Claimed**", *(_write_claimed(theme, bounty) for bounty in claimed)]))
    text = "\n\n".join(parts) or "You have placed and claimed none yet. `/bounty list` shows who is wanted."
    return discord.Embed(title="📜 Your bounties", description=text, colour=theme.neutral)


def build_cancelled_embed(theme: Theme, bounty: Bounty, *, refund: int) -> discord.Embed:
    """Return the answer of ``/bounty cancel``."""
    fee = compute_cancel_fee(bounty.amount)
    return discord.Embed(
        title=f"{theme.good} Bounty cancelled",
        description=(
            f"{write_emeralds(theme, refund)} for **{escape_name(bounty.player_name)}** are back in your "
            f"wallet; cancelling cost {write_emeralds(theme, fee)}."
        ),
        colour=theme.success,
    )


def build_wallet_embed(theme: Theme, wallet: Wallet) -> discord.Embed:
    """Return a member's balance and his last rows of the ledger."""
    lines = [_write_row(row) for row in wallet.rows]
    balance = f"<@{wallet.member_id}> has **{write_emeralds(theme, wallet.balance)}**."
    rows = "\n".join(lines) or "Nothing yet. Kills of a linked and proven player earn emeralds."
    return discord.Embed(
        title=f"{theme.money} Wallet", description=f"{balance}\n\n{rows}", colour=theme.ranking
    )


def build_bounty_settings_embed(theme: Theme, settings: BountySettings) -> discord.Embed:
    """Return what a guild decided about bounties."""
    embed = discord.Embed(title="📜 Bounty settings", colour=theme.neutral)
    embed.add_field(name="Bounties and paid kills", value="on" if settings.is_enabled else "off")
    embed.add_field(name="Bounties by the house", value="on" if settings.is_auto else "off")
    embed.add_field(name="A bounty lasts", value=f"{settings.expiry_hours} h")
    embed.add_field(name="Largest bounty", value=write_emeralds(theme, settings.max_amount))
    return embed


def _write_open(theme: Theme, bounty: Bounty, number: int, server_names: Mapping[ServerId, str]) -> str:
    line = f"`{write_count(number):>3}` **{escape_name(bounty.player_name)}**"
    parts = []
    if server_name := server_names.get(bounty.scope.server_id):
        parts.append(escape_name(server_name))
    parts += [f"by {write_placer(bounty.placer_id)}", f"ends {write_time(bounty.expires_at)}"]
    return f"{line} — {write_emeralds(theme, bounty.amount)}\n-# {_SEPARATOR.join(parts)}"


def _write_placed(theme: Theme, bounty: Bounty) -> str:
    state = _STATES[bounty.state]
    if bounty.state is BountyState.OPEN:
        state = f"ends {write_time(bounty.expires_at)}"
    elif bounty.state is BountyState.CLAIMED:
        moment = write_time(bounty.closed_at or bounty.expires_at)
        state = f"claimed by {escape_name(bounty.claimer_name)} {moment}"
    amount = write_emeralds(theme, bounty.amount)
    return f"**{escape_name(bounty.player_name)}** — {amount}{_SEPARATOR}{state}"


def _write_claimed(theme: Theme, bounty: Bounty) -> str:
    moment = write_time(bounty.closed_at or bounty.expires_at)
    amount = write_emeralds(theme, bounty.amount)
    return f"**{escape_name(bounty.player_name)}** — {amount}{_SEPARATOR}{moment}"


def _write_row(row: LedgerRow) -> str:
    change = row.change
    note = escape_text(change.note, _REASON_LENGTH)
    return f"`{change.amount:+,}` {_KINDS[change.kind]} {note}{_SEPARATOR}{write_time(change.at)}"
