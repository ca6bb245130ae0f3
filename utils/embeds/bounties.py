"""Bounties and wallets: lists and answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import discord

from utils.embeds.notices.bounties import BOUNTY_LOOK
from utils.embeds.players import write_number
from utils.embeds.replies import build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import frame, join_facts, show_money, show_name
from utils.models.money import (
    Bounty,
    BountySettings,
    BountyState,
    Change,
    LedgerKind,
    LedgerRow,
    Wallet,
    compute_cancel_fee,
)
from utils.models.notices.bounties import BountyEvent
from utils.models.scope import MemberId, ServerId
from utils.models.texts import Command, Mention, Moment, Number, Text, Value, join, text, text_in
from utils.models.visible_text import clean_text

_REASON_LENGTH = 80
_BOARD_ROWS = 15


def build_placed_embed(style: Style, bounty: Bounty, *, server_name: str) -> discord.Embed:
    """Return the answer of ``/bounty place``."""
    look = BOUNTY_LOOK.variants[BountyEvent.PLACED]
    said = text(
        "**{amount} on {player}'s head** ({server}). The first linked player to kill them gets it. "
        "It ends {moment}.",
        amount=show_money(style.theme, bounty.amount),
        player=show_name(bounty.player_name),
        server=show_name(server_name),
        moment=Moment(bounty.expires_at),
    )
    return style.build(text("Bounty placed"), said, mark=look.mark, colour=look.colour)


def build_bounty_list_embed(
    style: Style,
    bounties: Sequence[Bounty],
    *,
    first: int,
    where: Value,
    server_names: Mapping[ServerId, str],
) -> discord.Embed:
    """Return one page of the open bounties.

    Args:
        style: theme and language.
        bounties: the rows of this page.
        first: the number of the first row, from 1.
        where: name of the server, or words for several; it stands below the title, as on boards.
        server_names: shown in the rows if there is more than one.
    """
    lines = [
        _write_open(style, bounty, number, server_names if len(server_names) > 1 else {})
        for number, bounty in enumerate(bounties, start=first)
    ]
    if not bounties:
        nobody = text("No one is wanted. Put a price on someone with {place}.", place=Command("bounty place"))
        lines = [style.write(nobody)]
    return style.build(
        text("📜 Open bounties"), lines=[style.write(where), *lines], colour=style.theme.ranking
    )


def build_bounty_board_embed(
    style: Style, bounties: Sequence[Bounty] | None, *, server_names: Mapping[ServerId, str]
) -> discord.Embed:
    """Return the board of the bounties channel: the highest open bounties; None while bounties are closed."""
    title = text("📜 Open bounties")
    if bounties is None:
        return style.build(title, text("Bounties are off right now."), colour=style.theme.neutral)
    shown = server_names if len(server_names) > 1 else {}
    lines = [_write_open(style, one, number, shown) for number, one in enumerate(bounties[:_BOARD_ROWS], 1)]
    left = len(bounties) - len(lines)
    if left > 0:
        more = text("and {count} more: {list}", count=Number(left), list=Command("bounty list"))
        lines.append(style.write(more))
    nobody = text("No one is wanted right now. Be the first to place a bounty.")
    return style.build(title, nobody, lines=lines, colour=style.theme.ranking)


def build_own_bounties_embed(
    style: Style,
    placed: Sequence[Bounty],
    claimed: Sequence[Bounty],
    *,
    own_kills: Mapping[str, datetime],
) -> discord.Embed:
    """Return one page of the bounties that a member placed and claimed.

    ``own_kills`` says when (UTC) they killed the target themself, by the bounty's id.
    """
    parts = []
    if placed:
        parts.append([text("**Placed**"), *(_show_placed(style, bounty, own_kills) for bounty in placed)])
    if claimed:
        parts.append([text("**Claimed**"), *(_show_claimed(style, bounty) for bounty in claimed)])
    listed = join([join(part, "\n") for part in parts], "\n\n")
    none = text(
        "You haven't placed or claimed one yet. See who's wanted: {list}.", list=Command("bounty list")
    )
    return style.build(text("📜 Your bounties"), listed if parts else none)


def build_cancelled_embed(style: Style, bounty: Bounty, *, refund: int) -> discord.Embed:
    """Return the answer of ``/bounty cancel``."""
    said = text(
        "You got {refund} back for **{player}**. Cancelling cost {fee}.",
        refund=show_money(style.theme, refund),
        player=show_name(bounty.player_name),
        fee=show_money(style.theme, compute_cancel_fee(bounty.amount)),
    )
    return build_success_embed(style, text("Bounty cancelled"), said)


def build_wallet_embed(style: Style, wallet: Wallet, *, is_own: bool) -> discord.Embed:
    """Return a member's balance and their last rows of the ledger; ``is_own``: they asked for it."""
    amount = show_money(style.theme, wallet.balance)
    balance = text("{member} has **{amount}**.", member=Mention("@", wallet.member_id), amount=amount)
    rows = [_write_row(style, row) for row in wallet.rows] or [style.write(_describe_start(is_own=is_own))]
    lines = [style.write(balance), "", *rows]
    return style.build(text("Wallet"), lines=lines, mark=style.theme.money, colour=style.theme.ranking)


def _describe_start(*, is_own: bool) -> Text:
    if is_own:
        return text(
            "Nothing yet. Kills earn emeralds once your player is linked ({link}).", link=Command("link")
        )
    return text("Nothing yet.")


def build_bounty_settings_embed(style: Style, settings: BountySettings, *, is_saved: bool) -> discord.Embed:
    """Return the settings of a guild's bounties; ``is_saved``: after a change, not only asked for."""
    embed = (
        build_success_embed(style, text("Bounty settings saved"))
        if is_saved
        else style.build(text("⚙️ Bounty settings"))
    )
    hours = text_in("duration", "{number} h", number=Number(settings.expiry_hours))
    for name, value in (
        (text("Bounties and paid kills"), _describe_switch(is_on=settings.is_enabled)),
        (text("Bounties by the house"), _describe_switch(is_on=settings.is_auto)),
        (text("A bounty lasts"), hours),
        (text("Largest bounty"), show_money(style.theme, settings.max_amount)),
    ):
        style.add_field(embed, name, value, inline=True)
    return embed


def _describe_switch(*, is_on: bool) -> Text:
    return text_in("a setting", "on") if is_on else text_in("a setting", "off")


def _write_open(style: Style, bounty: Bounty, number: int, server_names: Mapping[ServerId, str]) -> str:
    facts: list[Value] = [
        _describe_placer(bounty.placer_id),
        text("ends {moment}", moment=Moment(bounty.expires_at)),
    ]
    if server_name := server_names.get(bounty.scope.server_id):
        facts.insert(0, show_name(server_name))
    line = f"{write_number(style, number, width=3)} {style.write(_show_price(style, bounty))}"
    return f"{line}\n-# {style.write(join_facts(facts))}"


def _describe_placer(placer_id: MemberId | None) -> Text:
    if placer_id is None:
        return text("by the house")
    return text("by {member}", member=Mention("@", placer_id))


def _show_price(style: Style, bounty: Bounty) -> Text:
    amount = show_money(style.theme, bounty.amount)
    return frame("**{player}** — {amount}", player=show_name(bounty.player_name), amount=amount)


def _show_placed(style: Style, bounty: Bounty, own_kills: Mapping[str, datetime]) -> Text:
    shown = join_facts([_show_price(style, bounty), _describe_state(bounty)])
    killed_at = own_kills.get(bounty.bounty_id)
    if killed_at is None:
        return shown
    why = text(
        "You killed them yourself on {moment}; your own bounty doesn't pay you.",
        moment=Moment(killed_at, "f"),
    )
    return frame("{bounty}\n-# {why}", bounty=shown, why=why)


def _show_claimed(style: Style, bounty: Bounty) -> Text:
    return join_facts([_show_price(style, bounty), _show_close(bounty)])


def _show_close(bounty: Bounty) -> Moment:
    return Moment(bounty.closed_at or bounty.expires_at)


def _describe_state(bounty: Bounty) -> Text:
    states = {
        BountyState.OPEN: text("ends {moment}", moment=Moment(bounty.expires_at)),
        BountyState.CLAIMED: text(
            "claimed by {player} {moment}", player=show_name(bounty.claimer_name), moment=_show_close(bounty)
        ),
        BountyState.EXPIRED: text("no one claimed it, paid back"),
        BountyState.CANCELLED: text_in("a bounty", "cancelled"),
        BountyState.WITHDRAWN: text("server removed, paid back"),
    }
    return states[bounty.state]


def _write_row(style: Style, row: LedgerRow) -> str:
    change = row.change
    sign = "+" if change.amount >= 0 else ""
    amount = f"`{sign}{style.write_plain(Number(change.amount))}`"
    return f"{amount} {style.write(join_facts([_describe_change(change), Moment(change.at)]))}"


def _describe_change(change: Change) -> Text:
    note = clean_text(change.note, _REASON_LENGTH)
    kinds = {
        LedgerKind.KILL: text("kill of {player}", player=note),
        LedgerKind.BOUNTY_PLACED: text("bounty on {player}", player=note),
        LedgerKind.BOUNTY_CLAIMED: text("claimed the bounty on {player}", player=note),
        LedgerKind.BOUNTY_EXPIRED: text("paid back: no one claimed the bounty on {player}", player=note),
        LedgerKind.BOUNTY_CANCELLED: text("cancelled the bounty on {player}", player=note),
        LedgerKind.BOUNTY_WITHDRAWN: text("paid back: bounty on {player}, server removed", player=note),
        LedgerKind.ADMIN: text("by an admin: {reason}", reason=note),
    }
    return kinds[change.kind]
