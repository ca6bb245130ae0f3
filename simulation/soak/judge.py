"""The judge compares the logs, the database and the posts, and searches for secrets in plain text."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from simulation.discord.requests import Refusal
from simulation.posts import expect_posts, is_posted, read_posts
from simulation.soak.games import Game
from simulation.soak.ledgers import STORM, Stored, list_documents, open_ledger, read_stored
from simulation.soak.town import Registration, TroubledTown
from simulation.traces import find_secrets, list_stumbles
from utils.database.core.database import SafeDatabase

SHOWN = 3
LATE_CODES = (10062, 40060, 10015)  # unknown interaction, acknowledged already, unknown webhook


async def is_settled(town: TroubledTown) -> bool:
    """Tell whether both logs are read, all rows are stored and posted, and all imports are done.

    Raises:
        StorageError: the database cannot be reached at the moment.
    """
    async with open_ledger(town) as database:
        for registration in town.registrations:
            game = registration.game
            if len(registration.list_posted()) < sum(map(is_posted, game.written)):
                return False
            stored = await read_stored(database, registration)
            if stored.is_importing or stored.waiting or not _is_second_log_read(game, stored):
                return False
            if len(stored.deaths) < len(game.history) + len(game.written):
                return False
    return True


def _is_second_log_read(game: Game, stored: Stored) -> bool:
    """Tell whether the log is read; behind lines that change nothing its cursor is stored much later."""
    if game.second_log is None or stored.log_offset == game.second_log.measure():
        return True
    return stored.log_offset > 0 and not any(_judge_second_log(game, stored))


async def judge(town: TroubledTown) -> list[str]:
    """Return all problems, a sentence each."""
    problems: list[str] = []
    async with open_ledger(town) as database:
        for registration in town.registrations:
            stored = await read_stored(database, registration)
            name = f"{registration.community.guild.name}, {registration.name}"
            problems += (f"{name}: {problem}" for problem in _judge_server(registration, stored))
        problems += await _judge_money(database)
    return [*problems, *_judge_manners(town)]


def _judge_server(registration: Registration, stored: Stored) -> Iterator[str]:
    game = registration.game
    expected = sorted((row.written_at, row.victim_id) for row in [*game.history, *game.written])
    if stored.deaths != expected:
        never = sorted(set(expected) - set(stored.deaths))
        strange = sorted(set(stored.deaths) - set(expected))
        yield (
            f"{len(expected)} deaths were written and {len(stored.deaths)} are stored: {len(never)} never, "
            f"first {never[:SHOWN]}; {len(strange)} that nobody wrote, first {strange[:SHOWN]}"
        )
    counters = game.count().summarise()
    wrong = [key for key in counters.keys() | stored.counters.keys() if _differs(key, counters, stored)]
    if wrong:
        key = wrong[0]
        yield f"{len(wrong)} players are counted wrongly: {stored.counters.get(key)} is {counters.get(key)}"
    yield from _judge_second_log(game, stored)
    yield from _judge_posts(registration)
    if stored.waiting:
        yield f"{stored.waiting} notices still wait"


def _judge_second_log(game: Game, stored: Stored) -> Iterator[str]:
    """Check who is online, and that the days of players have the time of their sessions."""
    if game.second_log is None:
        return
    online, entering = game.second_log.list_online(), game.second_log.list_entering()
    if missed := online - stored.online:
        yield f"{len(missed)} of {len(online)} players online are not known to be, first {min(missed)}"
    if invented := stored.online - online - entering:
        yield f"{len(invented)} players are online only as the bot says, first {min(invented)}"
    wrong = [both for both in stored.playtimes.values() if len(set(both)) > 1]
    if wrong:
        yield f"{len(wrong)} players have another playtime than their sessions; first {wrong[0]}"


def _differs(key: str, counters: dict[str, dict[str, int]], stored: Stored) -> bool:
    return counters.get(key) != stored.counters.get(key)


def _judge_posts(registration: Registration) -> Iterator[str]:
    posted = [post.names for post in read_posts(registration.list_posted())]
    expected = [post.names for post in expect_posts(registration.game.written)]
    if posted == expected:
        return
    extra, missing = Counter(posted) - Counter(expected), Counter(expected) - Counter(posted)
    yield (
        f"{len(expected)} deaths were written and {len(posted)} posted: {extra.total()} too often, "
        f"{missing.total()} never{'' if extra or missing else ', in another order'}; first of these "
        f"{[sorted(names) for names in missing][:SHOWN]}"
    )


async def _judge_money(database: SafeDatabase) -> list[str]:
    """Check that every balance is the sum of its ledger and was never negative."""
    rows: defaultdict[tuple[Any, Any], list[int]] = defaultdict(list)
    for row in await list_documents(database, "ledger"):
        rows[row["guild_id"], row["member_id"]].append(row["amount"])
    problems = []
    for wallet in await list_documents(database, "wallets"):
        amounts = rows.pop((wallet["guild_id"], wallet["member_id"]), [])
        if wallet["balance"] != sum(amounts) or wallet["rows"] != len(amounts) or wallet["balance"] < 0:
            problems.append(f"a wallet holds {wallet['balance']}, its ledger comes to {sum(amounts)}")
    return problems + [f"{len(left)} rows of the ledger have no wallet" for left in rows.values()]


def _judge_manners(town: TroubledTown) -> Iterator[str]:
    stumbles = [one for one in list_stumbles(town.bot.output) if STORM not in one]
    yield from _tell("a traceback in the log", stumbles)
    yield from _tell("a secret in", find_secrets(town.secrets, town.bot, town.world))
    yield from _tell("Discord refused", [one for one in town.world.violations if not _is_late(one)])
    yield from _tell("Discord's document forbids", town.world.contract_violations)


def _is_late(violation: Refusal | str) -> bool:
    """Tell whether an answer came too late or twice, which can happen in an outage."""
    return isinstance(violation, Refusal) and violation.code in LATE_CODES


def _tell(what: str, found: Sequence[object]) -> list[str]:
    more = f" (and {len(found) - SHOWN} more)" if len(found) > SHOWN else ""
    return [f"{what}: {one}{more}" for one in found[:SHOWN]]
