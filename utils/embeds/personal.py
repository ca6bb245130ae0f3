"""Personal data: the files of an export, the question before an erasure, and its result."""

from collections.abc import Iterator

import discord

from utils.embeds.replies import build_notice_embed, build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import frame, show_name
from utils.models.money import count_emeralds
from utils.models.personal import Holdings, Person
from utils.models.scope import ERASED_NAME
from utils.models.texts import Names, Number, Text, join, plural, text

_FRESH = text(
    "Deaths that are read from now on begin a new record of the player, even if the history is still "
    "being imported. Another Discord server that reads the same game server keeps its own "
    "data: ask there."
)


def build_export_embed(style: Style, number: int) -> discord.Embed:
    """Return the text for the file with this number, from 1."""
    said = (
        text(
            "Open it like a folder: `data.json` holds names, figures, links, money and bounties, `kills.csv` "
            "every death, in columns for a spreadsheet."
        )
        if number == 1
        else text("Part {number}: `kills.csv` goes on here.", number=Number(number))
    )
    return build_notice_embed(style, text("🗂️ What is stored here"), said)


def build_erase_question_embed(style: Style, person: Person, holdings: Holdings) -> discord.Embed:
    """Return the question before an erasure: which data is deleted and which stays."""
    losses = join([frame("• {loss}", loss=loss) for loss in _list_losses(person, holdings)], "\n")
    end = join([text("This cannot be taken back."), _FRESH])
    return build_notice_embed(style, text("Erase this for good?"), join([losses, end], "\n\n"))


def build_erased_embed(style: Style, person: Person, *, deaths: int) -> discord.Embed:
    """Return the answer after an erasure."""
    said = []
    if person.players:
        named = plural(
            "{count} death names “{erased}” now.",
            "{count} deaths name “{erased}” now.",
            deaths,
            erased=ERASED_NAME,
        )
        said.append(named)
    if person.member_id is not None:
        said.append(text("Links, wallet and ledger are gone."))
    return build_success_embed(style, text("Erased"), join([*said, _FRESH]))


def _list_losses(person: Person, holdings: Holdings) -> Iterator[Text]:
    if person.players:
        players = tuple(frame("**{player}**", player=show_name(player.name)) for player in person.players)
        yield text(
            "{players}: every name, the figures of all time and of each day, and lines of the log that could "
            "not be read",
            players=Names(players),
        )
        yield text(
            "their deaths and kills stay as those of “{erased}”, in the figures of others as well",
            erased=ERASED_NAME,
        )
        yield text("open bounties on them are paid back")
    if person.member_id is None:
        yield text("the link of a member to this player")
        return
    yield from _list_losses_of_member(holdings)


def _list_losses_of_member(holdings: Holdings) -> Iterator[Text]:
    yield plural("{count} link", "{count} links", holdings.links)
    yield plural(
        "a wallet of {balance} with {count} row of the ledger",
        "a wallet of {balance} with {count} rows of the ledger",
        holdings.ledger_rows,
        balance=count_emeralds(holdings.balance),
    )
    if holdings.open_bounties:
        yield plural(
            "{count} open bounty placed by this member; what is held for it goes with the wallet",
            "{count} open bounties placed by this member; what is held for them goes with the wallet",
            holdings.open_bounties,
        )
    if holdings.changes:
        yield plural(
            "what stays: {count} change made by hand as an admin, for the other admins to see who made it",
            "what stays: {count} changes made by hand as an admin, for the other admins to see who made them",
            holdings.changes,
        )
