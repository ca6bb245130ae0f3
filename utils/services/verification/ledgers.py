"""Ledgers: whether the rows of a member are an unbroken chain, and what their wallet must be."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from utils.models.scope import GuildId, MemberId
from utils.models.verification import DataFault, DataFinding, LedgerLine, WholeWallet
from utils.services.verification.stores import WholeData


@dataclass(frozen=True, slots=True)
class Chain:
    """The ledger of a member.

    Attributes:
        rows: the number of its last row; ``balance`` is the balance after it.
        is_unbroken: every row is there, and each balance follows from the one before.
    """

    guild_id: GuildId
    member_id: MemberId
    rows: int
    balance: int
    is_unbroken: bool


def judge_chain(lines: Iterable[LedgerLine]) -> Chain:
    """Return the chain of a member's rows, given newest first; at least one."""
    rows = list(lines)
    newest = rows[0]
    is_unbroken = len(rows) == newest.number
    for place, row in enumerate(rows):
        before = rows[place + 1].balance if place + 1 < len(rows) else 0
        is_next = row.number == newest.number - place
        is_unbroken = is_unbroken and is_next and row.balance >= 0 and row.balance == before + row.amount
    return Chain(newest.guild_id, newest.member_id, newest.number, newest.balance, is_unbroken)


def iterate_chains(data: WholeData) -> Iterator[Chain]:
    """Yield the chain of every member."""
    for _, lines in groupby(data.iterate_ledger(), key=lambda line: (line.guild_id, line.member_id)):
        yield judge_chain(lines)


def verify_ledgers(data: WholeData) -> tuple[int, list[DataFinding]]:
    """Return the number of members with money, and what is wrong with their wallets and ledgers."""
    wallets = dict(data.read_wallets())
    members, findings = 0, []
    for chain in iterate_chains(data):
        members += 1
        wallet = wallets.pop((chain.guild_id, chain.member_id), None)
        if not chain.is_unbroken:
            findings.append(DataFinding(DataFault.LEDGER, chain.guild_id, member_id=chain.member_id))
        elif wallet != WholeWallet(chain.rows, chain.balance):
            findings.append(DataFinding(DataFault.WALLET, chain.guild_id, member_id=chain.member_id))
    for (guild_id, member_id), wallet in wallets.items():
        members += 1
        if wallet != WholeWallet(0, 0):
            findings.append(DataFinding(DataFault.LEDGER, guild_id, member_id=member_id))
    return members, findings
