"""Due times after a restore: what fell due between the backup and now is carried out in silence.

People were told of it before, or it is too old to tell. Each task with an interval has its row in
``DUE_TIMES`` (``tests/architecture/test_due_times.py``): the function that passes over what is due, or the
reason why nothing is.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import KW_ONLY, dataclass, replace
from datetime import datetime
from functools import partial

from utils.composition.pruning import PRUNE_TASK
from utils.database.archives.after_restore import do_for_all
from utils.database.archives.switching import PendingRestores
from utils.database.core.database import Fence, SafeDatabase
from utils.database.read_models.standings.standings import Standings
from utils.database.repositories.bounties import BountyRepository
from utils.database.repositories.levels import LevelRepository
from utils.database.repositories.links import LinkRepository
from utils.database.repositories.notifications import NotificationRepository
from utils.database.repositories.premium import PremiumRepository
from utils.database.repositories.recaps import RecapRepository
from utils.database.repositories.roles import RoleRepository
from utils.database.repositories.scope_index import ScopeIndexRepository
from utils.database.repositories.seasons import SeasonRepository
from utils.database.repositories.servers import GameServerRepository
from utils.delivery.counters import COUNTERS_TASK
from utils.delivery.direct_messages import DIRECT_TASK
from utils.models.money import BountyEnd, BountyState
from utils.models.restores import RestoreFacts
from utils.models.scope import GuildId, ServerScope
from utils.models.servers import list_zones
from utils.models.sharding import Sharding
from utils.services.guilds.locale_uses import LOCALES_TASK
from utils.services.guilds.looks import LOOKS_TASK
from utils.services.links.proof_watcher import PROOFS_TASK
from utils.services.money.bounties.endings import EXPIRE_TASK, end_bounty
from utils.services.players.posted_boards import LIVE_TASK, REFRESH_TASK
from utils.services.premium.grants import ENDS_TASK, build_end
from utils.services.recaps.timer import RECAPS_TASK
from utils.services.seasons.rules import find_end, list_covered
from utils.services.seasons.timer import SEASONS_TASK
from utils.services.servers.restart_warnings import WARN_TASK
from utils.telemetry.health.checker import ROUND_TASK

IDLE_TASK = "sftp:idle"


@dataclass(frozen=True, slots=True)
class RestoredData:
    """Restored data whose due times are passed over.

    Attributes:
        now: the moment of the restore.
        guild_id: the one guild that is restored; None for the whole database.
    """

    database: SafeDatabase
    fence: Fence
    default_tier: int
    now: datetime
    guild_id: GuildId | None

    @property
    def scope_index(self) -> ScopeIndexRepository:
        """The keys of all guilds."""
        return ScopeIndexRepository(self.database, Sharding())

    def find_fence(self, guild_id: GuildId) -> Fence:
        """Return the fence of the restore, for a guild's transactions."""
        return Fence(self.fence.shard, self.fence.token, guild_id)

    def covers(self, guild_id: GuildId) -> bool:
        """Tell whether a guild was restored."""
        return self.guild_id in (None, guild_id)


PassOver = Callable[[RestoredData], Awaitable[None]]
"""Carries out in silence what fell due, so that nobody is told; it may run again."""


async def expire_bounties(data: RestoredData) -> None:
    """Pay back every bounty that is past its end, without a post."""
    store = BountyRepository(data.database, fences=data.find_fence)
    end = BountyEnd(BountyState.EXPIRED, data.now)

    async def expire(scope: ServerScope) -> None:
        due = await store.list_due(scope, before=data.now) if data.covers(scope.guild_id) else ()
        for bounty in due:
            await end_bounty(store, bounty, end, refund=bounty.amount)

    found = await data.scope_index.list_scopes_with_due_bounties(before=data.now)
    await do_for_all(found, expire)


async def end_grants(data: RestoredData) -> None:
    """End every grant that is over, without an alert; the start pauses the servers over the limit."""
    store = PremiumRepository(data.database)

    async def end(guild_id: GuildId) -> None:
        grant = (await store.get_premium(guild_id)).grant
        if grant is not None and grant.is_over(data.now):
            event, entry = build_end(grant, default_tier=data.default_tier, at=data.now)
            await store.end_grant(guild_id, event, entry=entry)

    found = await data.scope_index.list_ended_premium(data.now)
    await do_for_all(filter(data.covers, found), end)


async def forget_requests(data: RestoredData) -> None:
    """Take the admins for told of every request for a link; the requests end by their own times."""
    store = LinkRepository(data.database)
    found = await data.scope_index.list_guilds_with_open_links()
    await do_for_all(filter(data.covers, found), partial(store.mark_all_alerted, before=data.now))


async def silence_seasons(data: RestoredData) -> None:
    """Let the seasons that are over by now be closed without a post; their results are kept as usual.

    Results wait until the game servers are read again, because the deaths since the backup are counted then.
    """
    store = SeasonRepository(data.database, fences=data.find_fence)
    servers = GameServerRepository(data.database)

    async def silence(guild_id: GuildId) -> None:
        stored = await servers.list_servers(guild_id)
        for season in await store.list_seasons(guild_id):
            zones = list_zones(list_covered(season, stored))
            if season.state.is_moving and find_end(season, zones) <= data.now:
                await store.change_season(guild_id, season, replace(season, is_silent=True))

    found = await data.scope_index.list_guilds_with_seasons()
    await do_for_all(filter(data.covers, found), silence)


async def pass_over_recaps(data: RestoredData) -> None:
    """Plan recaps that are due again from now on: they were posted before, or they are too old."""
    store = RecapRepository(data.database, fences=data.find_fence)
    found = await data.scope_index.list_guilds_with_due_recaps(data.now)
    await do_for_all(filter(data.covers, found), store.forget_plan)


async def doubt_roles(data: RestoredData) -> None:
    """Doubt every role that the backup has as given: it may have been taken since."""
    store = RoleRepository(data.database, fences=data.find_fence)
    found = await data.scope_index.list_guilds_with_role_grants()
    await do_for_all(filter(data.covers, found), partial(store.doubt_grants, at=data.now))


async def silence_levels(data: RestoredData) -> None:
    """Take every level for told that follows from the restored figures."""
    store = LevelRepository(data.database, Standings(data.database), fences=data.find_fence)
    found = await data.scope_index.list_guilds_with_levels()
    await do_for_all(filter(data.covers, found), store.silence_all)


async def pass_over_looks(data: RestoredData) -> None:
    """Tell nobody of what the next looks find: levels that were told, and roles that were given before."""
    await doubt_roles(data)
    await silence_levels(data)


async def forget_direct_messages(data: RestoredData) -> None:
    """Delete the direct messages that wait: they tell of what was before the restore."""
    store = NotificationRepository(data.database, fences=data.find_fence)
    found = await data.scope_index.list_guilds_with_direct_messages()
    await do_for_all(filter(data.covers, found), store.delete_all)


DUE_TIMES: Mapping[str, PassOver | str] = {
    EXPIRE_TASK: expire_bounties,
    ENDS_TASK: end_grants,
    PROOFS_TASK: forget_requests,
    LOOKS_TASK: pass_over_looks,
    SEASONS_TASK: silence_seasons,
    RECAPS_TASK: pass_over_recaps,
    DIRECT_TASK: forget_direct_messages,
    REFRESH_TASK: "boards show what is stored now, and a deleted board is posted again",
    LIVE_TASK: "boards show what is stored now",
    PRUNE_TASK: "it deletes what is old, and tells nobody",
    ROUND_TASK: "incidents are of the processes, and no restore touches them",
    COUNTERS_TASK: "names show what is stored now, and tell nobody",
    WARN_TASK: "a restart is announced within a minute of its time, or never",
    LOCALES_TASK: "uses by language are numbers, and tell nobody",
    IDLE_TASK: "connections are in memory",
}
"""The row of each task: the function that passes over what is due, or why there is nothing."""


@dataclass(eq=False)
class PendingDueTimes:
    """Passes over what fell due between a backup and its restore, once.

    Data of an older version has its present shape only after the upgrade that the next start makes. So what
    is to be passed over is stored, and the process that upgrades the data does it.
    """

    database: SafeDatabase
    _: KW_ONLY
    default_tier: int

    def __post_init__(self) -> None:
        self._pending = PendingRestores(self.database)

    async def put(self, facts: RestoreFacts, fence: Fence) -> None:
        """Note that it is still to be done after a restore."""
        await self._pending.put(facts, fence)

    async def is_pending(self) -> bool:
        """Tell whether it is still to be done."""
        return await self._pending.find() is not None

    async def pass_over(self, fence: Fence) -> None:
        """Do it, if it is still to be done; the data is of this bot's version, and nobody else uses it."""
        facts = await self._pending.find()
        if facts is not None:
            await pass_over_due(self.database, facts, fence, default_tier=self.default_tier)
            await self._pending.remove(fence)


async def pass_over_due(
    database: SafeDatabase, facts: RestoreFacts, fence: Fence, *, default_tier: int
) -> None:
    """Pass over everything that fell due between a backup and its restore."""
    data = RestoredData(
        database,
        fence,
        default_tier=default_tier,
        now=facts.began_at,
        guild_id=facts.guild_id,
    )
    for pass_over in DUE_TIMES.values():
        if not isinstance(pass_over, str):
            await pass_over(data)
