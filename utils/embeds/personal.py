"""Personal data: the files of an export, the question before an erasure, and its result."""

from collections.abc import Iterator, Sequence

import discord

from utils.embeds.replies import build_notice_embed, build_success_embed
from utils.embeds.style import Style
from utils.embeds.values import frame, show_name
from utils.models.personal import Holdings, Person
from utils.models.roles import RoleId
from utils.models.scope import ERASED_NAME
from utils.models.texts import Code, Command, Mention, Names, Number, Text, join, plural, text

_DATA_FILE, _KILLS_FILE = Code("data.json"), Code("kills.csv")
_ELSEWHERE = text("Other Discord servers that use this game server keep their own data. Ask there too.")


def build_export_embed(style: Style, number: int) -> discord.Embed:
    """Return the text for the file with this number, from 1."""
    said = (
        text(
            "Open it like a folder. {data} has names, stats, time played, links, emeralds and bounties; "
            "{kills} has every death, ready for a spreadsheet.",
            data=_DATA_FILE,
            kills=_KILLS_FILE,
        )
        if number == 1
        else text("Part {number}: {kills}, continued.", number=Number(number), kills=_KILLS_FILE)
    )
    return build_notice_embed(style, text("🗂️ Your stored data"), said)


def build_erase_question_embed(style: Style, person: Person, holdings: Holdings) -> discord.Embed:
    """Return the question before an erasure: which data is deleted and which stays."""
    losses = join([frame("• {loss}", loss=loss) for loss in _list_losses(person, holdings)], "\n")
    end = join([text("You can't undo this."), *_describe_future(person)])
    return build_notice_embed(style, text("Erase this for good?"), join([losses, end], "\n\n"))


def build_erased_embed(
    style: Style, person: Person, *, deaths: int, kept: Sequence[RoleId] = ()
) -> discord.Embed:
    """Return the answer after an erasure; ``kept``: the roles that could not be taken."""
    said = []
    if person.players and deaths:
        named = plural(
            "{count} death now shows “{erased}”.",
            "{count} deaths now show “{erased}”.",
            deaths,
            erased=ERASED_NAME,
        )
        said.append(named)
    if person.member_id is not None:
        said.append(
            text("Names, stats, time played, links and wallet are gone.")
            if person.players
            else text("Links and wallet are gone.")
        )
    if kept:
        roles = Names(tuple(Mention("@&", role_id) for role_id in kept))
        said.append(
            text("I couldn't take these roles, so ask an admin to remove them: {roles}.", roles=roles)
        )
    return build_success_embed(style, text("Erased"), join([*said, *_describe_future(person)]))


def _describe_future(person: Person) -> Sequence[Text]:
    """Return what happens afterwards, and what this erasure does not reach."""
    if person.is_asker:
        return text("If you keep playing, you start again from zero."), _ELSEWHERE
    return text("If they keep playing, they start again from zero."), _ELSEWHERE


def _list_losses(person: Person, holdings: Holdings) -> Iterator[Text]:
    if person.players:
        players = tuple(frame("**{player}**", player=show_name(player.name)) for player in person.players)
        yield text(
            "{players}: all names, stats and time played, and log lines that couldn't be read",
            players=Names(players),
        )
        yield text(
            "their kills and deaths stay under “{erased}”, so other players' stats don't change",
            erased=ERASED_NAME,
        )
        yield text("open bounties on them: paid back")
    if person.member_id is None:
        yield text("the link to their member")
        return
    yield from _list_losses_of_member(holdings)


def _list_losses_of_member(holdings: Holdings) -> Iterator[Text]:
    if holdings.links:
        yield plural("{count} link", "{count} links", holdings.links)
    if holdings.ledger_rows or holdings.balance:
        yield plural(
            "a wallet with {balance} 💎 and {count} change",
            "a wallet with {balance} 💎 and {count} changes",
            holdings.ledger_rows,
            balance=Number(holdings.balance),
        )
    if holdings.open_bounties:
        yield plural(
            "{count} open bounty of theirs; its money goes with the wallet",
            "{count} open bounties of theirs; their money goes with the wallet",
            holdings.open_bounties,
        )
    if holdings.closed_bounties:
        yield plural("{count} ended bounty", "{count} ended bounties", holdings.closed_bounties)
    if holdings.factions:
        yield plural(
            "{count} time in a faction, or invitation to one",
            "{count} times in factions, and invitations to them",
            holdings.factions,
        )
    if holdings.roles:
        yield plural("{count} role of a role rule", "{count} roles of role rules", holdings.roles)
    if holdings.has_level:
        yield text("the level that I know of them")
    if holdings.has_notifications:
        yield text("what they chose with {notify}, and direct messages that wait", notify=Command("notify"))
    if holdings.changes:
        yield plural(
            "stays: {count} change they made as an admin, so other admins can see who made it",
            "stays: {count} changes they made as an admin, so other admins can see who made them",
            holdings.changes,
        )
