"""``community``: the CPU of a look at roles when nothing changed, and how soon a week's recap is read.

The community has 25 rules and a thousand linked members, the most active players of its history. Half of the
rules hold for some of them, and those have their roles already.
"""

import os
import signal
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.answers import settle
from benchmarks.figures import Figure, compute_median
from benchmarks.town import running_town
from simulation.game_host.battle import Fighter
from utils.clock import SystemClock
from utils.commandline.running import relax_garbage_collection
from utils.composition.application import Application
from utils.composition.build import build_application
from utils.composition.storage import build_leases
from utils.database.core.database import SafeDatabase
from utils.database.documents.role_documents import ROLE_GRANTS, ROLE_RULES
from utils.database.process.connection import SafeMongoDBConnection
from utils.models.recaps import RecapKind, RecapSpan
from utils.models.roles import GrantState, RoleFacts, RoleGrant, RoleId, RoleRule, RuleTerms
from utils.models.scope import GuildId, MemberId
from utils.models.statistics import Board, Period
from utils.secrets import SecretBox
from utils.services.roles.rules import list_wishes
from utils.settings import Settings
from utils.tasks import TaskManager

MEMBERS = 1_000
ROUNDS = 7
LOOK_AIM_MS, RECAP_AIM_MS = 100.0, 1_000.0
CLOCK = SystemClock()
PERIODS = (Period.ALL, Period.MONTH, Period.WEEK)

TERMS: Sequence[Mapping[str, Any]] = (
    *({"kills": kills, "period": period} for kills in (1, 10, 50, 10**6) for period in PERIODS),
    *({"kd": 1.0, "longest": metres} for metres in (100, 300, 900)),
    *({"streak": streak} for streak in (3, 10, 99)),
    *({"level": level} for level in (1, 20, 100)),
    *({"rank": rank, "board": board} for rank, board in ((1, Board.KILLS), (10, Board.XP), (100, Board.KD))),
    {},
)
"""The conditions of the 25 rules; the last one is a link alone."""


@dataclass(eq=False)
class HeldRoles:
    """The roles of a guild in Discord: every member has those that the bot remembers.

    Attributes:
        asked: how often Discord was asked for members.
    """

    roles: Mapping[RoleId, RoleFacts]
    held: Mapping[MemberId, frozenset[RoleId]] = field(default_factory=dict)
    asked: int = 0

    def hold(self, grants: Sequence[RoleGrant]) -> None:
        """Let members have roles."""
        held: dict[MemberId, set[RoleId]] = {}
        for grant in grants:
            held.setdefault(grant.member_id, set()).add(grant.role_id)
        self.held = {member_id: frozenset(roles) for member_id, roles in held.items()}

    def list_roles(self, _: GuildId) -> Mapping[RoleId, RoleFacts]:
        """Return the roles of the guild."""
        return self.roles

    async def find_roles_of(
        self, _: GuildId, member_ids: Collection[MemberId]
    ) -> Mapping[MemberId, frozenset[RoleId]]:
        """Return the roles of members."""
        self.asked += 1
        return {one: self.held.get(one, frozenset()) for one in member_ids}


async def measure(rows: int) -> list[Figure]:
    """Measure over a community with ``rows`` kills."""
    async with running_town() as town:
        fighters = await settle(town, rows)
        os.kill(town.bot.pid, signal.SIGSTOP)  # otherwise it would look at the same rules, without such roles
        connection = SafeMongoDBConnection(town.bot.mongodb_uri, database=town.bot.database, clock=CLOCK)
        try:
            database, guild_id = await connection.open(), GuildId(town.community.guild.id)
            await _link(database, guild_id, fighters[:MEMBERS])
            return await _measure(database, guild_id, rows)
        finally:
            await connection.close()
            os.kill(town.bot.pid, signal.SIGCONT)


async def _measure(database: SafeDatabase, guild_id: GuildId, rows: int) -> list[Figure]:
    with TemporaryDirectory(prefix="benchmark-") as name:
        application = _build(Path(name), database)
        relax_garbage_collection()  # as the bot does
        looks = await _measure_looks(application, database, guild_id, rows)
        return [*looks, await _measure_recap(application, guild_id, rows)]


def _build(folder: Path, database: SafeDatabase) -> Application:
    settings = Settings.model_validate({"data_dir": folder, "secret_key": "k" * 40})
    return build_application(
        settings,
        database,
        build_leases(settings, database, "benchmark", CLOCK),
        SecretBox("a key for measuring"),
        TaskManager(CLOCK),
        extensions=(),
        clock=CLOCK,
        is_member=lambda _: True,
    )


async def _link(database: SafeDatabase, guild_id: GuildId, fighters: Sequence[Fighter]) -> None:
    """Link a player to each member."""
    links = [
        {
            "guild_id": int(guild_id),
            "member_id": member,
            "player_id": fighter.id,
            "player_name": fighter.name,
            "state": "proven",
            "linked_at": CLOCK.now(),
            "is_main": True,
        }
        for member, fighter in enumerate(fighters, start=1)
    ]
    await database.unscoped("links").insert_many(links)


async def _measure_looks(
    application: Application, database: SafeDatabase, guild_id: GuildId, rows: int
) -> list[Figure]:
    """Measure looks that find nothing to do."""
    looks = application.features.role_looks
    rules = [
        RoleRule(
            guild_id=guild_id,
            rule_id=f"rule{number:04}",
            terms=RuleTerms(role_id=RoleId(number), **terms),
            created_by=MemberId(1),
            created_at=CLOCK.now(),
        )
        for number, terms in enumerate(TERMS, start=1)
    ]
    discord = HeldRoles({rule.terms.role_id: RoleFacts(rule.terms.role_id, "role", 1) for rule in rules})
    looks.roles = discord
    grants = [
        RoleGrant(*key, GrantState.GIVEN, CLOCK.now())
        for key, wish in list_wishes(await looks.survey(guild_id, rules, now=CLOCK.now())).items()
        if wish.is_wanted
    ]
    await _store(database, guild_id, rules, grants)
    discord.hold(grants)
    await looks.look(guild_id, now=CLOCK.now())  # the first one compares with Discord
    discord.asked, seconds = 0, []
    for _ in range(ROUNDS):
        start = time.process_time()
        await looks.look(guild_id, now=CLOCK.now())
        seconds.append(time.process_time() - start)
    name = f"{rows:,} kills, {len(rules)} rules, {MEMBERS:,} members, {len(grants):,} roles"
    return [
        Figure(
            f"{name}: CPU of a look without a change, p50",
            compute_median(seconds) * 1000,
            "ms",
            aim=LOOK_AIM_MS,
        ),
        Figure("  requests to Discord", discord.asked, "", aim=0),
    ]


async def _store(
    database: SafeDatabase, guild_id: GuildId, rules: Sequence[RoleRule], grants: Sequence[RoleGrant]
) -> None:
    """Store rules and grants as the bot would have."""
    own = {"guild_id": int(guild_id)}
    await database.unscoped("role_rules").insert_many([{**own, **ROLE_RULES.build(one)} for one in rules])
    await database.unscoped("role_grants").insert_many([{**own, **ROLE_GRANTS.build(one)} for one in grants])


async def _measure_recap(application: Application, guild_id: GuildId, rows: int) -> Figure:
    """Measure reading the figures of the last whole week."""
    today = CLOCK.now().date()
    monday = today - timedelta(days=today.weekday() + 7)
    span = RecapSpan(RecapKind.WEEKLY, monday, monday + timedelta(days=6))
    servers = await application.repositories.servers.list_servers(guild_id)
    reader, seconds = application.features.recap_timer.reader, []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        await reader.read(guild_id, servers, span)
        seconds.append(time.perf_counter() - start)
    return Figure(
        f"{rows:,} kills: the figures of a week's recap, p50",
        compute_median(seconds) * 1000,
        "ms",
        aim=RECAP_AIM_MS,
    )
