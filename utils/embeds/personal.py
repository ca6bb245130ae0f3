"""Personal data: what an export holds, what an erasure will do, and what it did."""

from collections.abc import Iterator

import discord

from utils.embeds.figures import write_count
from utils.embeds.replies import build_notice_embed, build_success_embed
from utils.embeds.style import Style
from utils.localization.escape import escape_name
from utils.models.personal import Holdings, Person
from utils.models.scope import ERASED_NAME

_FRESH = (
    "Deaths that are read from now on begin a new record of the player, also when the history is still "
    "being imported. Another Discord server that reads the same game server keeps its own "
    "data: ask there."
)


def build_export_embed(style: Style, number: int) -> discord.Embed:
    """Return what stands beside the file with this number, from 1."""
    text = (
        "Open it like a folder: `data.json` holds names, figures, links, money and bounties, `kills.csv` "
        "every death, in columns for a spreadsheet."
        if number == 1
        else f"Part {write_count(number)}: `kills.csv` goes on here."
    )
    return build_notice_embed(style, "🗂️ What is stored here", text)


def build_erase_question_embed(style: Style, person: Person, holdings: Holdings) -> discord.Embed:
    """Return the question before an erasure: what goes, what stays."""
    lines = [f"• {line}" for line in _list_losses(person, holdings)]
    text = "\n".join([*lines, "", "This cannot be taken back. " + _FRESH])
    return build_notice_embed(style, "Erase this for good?", text)


def build_erased_embed(style: Style, person: Person, *, deaths: int) -> discord.Embed:
    """Return the answer after an erasure."""
    done = f"{write_count(deaths)} deaths name “{ERASED_NAME}” now." if person.players else ""
    wallet = "Links, wallet and ledger are gone." if person.member_id is not None else ""
    text = " ".join(part for part in (done, wallet, _FRESH) if part)
    return build_success_embed(style, "Erased", text)


def _list_losses(person: Person, holdings: Holdings) -> Iterator[str]:
    if person.players:
        names = ", ".join(f"**{escape_name(player.name)}**" for player in person.players)
        yield (
            f"{names}: every name, the figures of all time and of each day, and lines of the log that could "
            "not be read"
        )
        yield f"their deaths and kills stay as those of “{ERASED_NAME}”, in the figures of others as well"
        yield "open bounties on them are paid back"
    if person.member_id is None:
        yield "the link of a member to this player"
        return
    yield f"{write_count(holdings.links)} links"
    yield (
        f"a wallet of {write_count(holdings.balance)} emeralds with {write_count(holdings.ledger_rows)} "
        "rows of the ledger"
    )
    if holdings.open_bounties:
        yield (
            f"{write_count(holdings.open_bounties)} open bounties placed by this member; what is held for "
            "them goes with the wallet"
        )
    if holdings.changes:
        yield (
            f"what stays: {write_count(holdings.changes)} changes made by hand as an admin, for the other "
            "admins to see who made them"
        )
