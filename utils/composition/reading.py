"""Builds reading: the loops over the logs of game servers, and the storing of their rows."""

from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Protocol

from utils.caching import GuildMemory
from utils.composition.base import Base
from utils.composition.delivery import Delivery
from utils.composition.erasures import build_restored_erasures
from utils.composition.surroundings import GuildServices
from utils.events import NoticesQueued
from utils.group_commit import GROUP_SECONDS
from utils.interactions.client import GuildFollower
from utils.models.scope import GuildId
from utils.secrets import SecretBox
from utils.services.factions.tags import FactionTags
from utils.services.ingestion.deadside_log_reader import GAME_LOG, DeadsideLogReader, GameLogDependencies
from utils.services.ingestion.deadside_stores import GameLogOpener
from utils.services.ingestion.death_log_reader import DEATH_LOG, DeathLogDependencies, DeathLogReader
from utils.services.ingestion.history import EraseCaughtUp, HistoryImport
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.services.ingestion.live import LiveIngestion
from utils.services.ingestion.log_source import LogOpener
from utils.services.ingestion.reader_loop import LOOK_SECONDS, SHARED_LOOK_SECONDS, LoopDependencies
from utils.services.ingestion.row_reader import BATCHES_OF_ALL
from utils.services.ingestion.server_loops import ServerLoops
from utils.services.money.rewards import KillRewards
from utils.services.personal.erasure_log import ErasedPersons
from utils.services.ports import LoopControl, ServerReadings
from utils.services.servers.game_servers import ServerChecker
from utils.services.servers.server_changes import HostKeyReader
from utils.sftp.access import DeathLogAccess
from utils.turns import FairTurns


class Hosts(
    LogOpener, GameLogOpener, ServerChecker, HostKeyReader, GuildMemory, Protocol
):  # implemented by DeathLogAccess
    """The hosts of game servers, for the services."""


class Loops(LoopControl, ServerReadings, GuildFollower, GuildMemory, Protocol):  # implemented by ServerLoops
    """The loops over game servers, for starting and stopping them."""

    async def begin(self) -> None:
        """Begin for every server."""

    async def stop_guild(self, guild_id: GuildId) -> None:
        """End all loops of a guild."""

    def on_notices_queued(self, event: NoticesQueued) -> None:
        """Wake the delivery of a guild."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The loops that read game servers, and their hosts."""

    hosts: Hosts
    loops: Loops


@dataclass(frozen=True, slots=True)
class Ingestion:
    """The parts that store the rows of logs, and what keeps the erased out of them."""

    history: HistoryImport
    live: LiveIngestion
    erased: ErasedPersons


def build_ingestion(
    base: Base, guild: GuildServices, throttle: ImportThrottle, secret_box: SecretBox
) -> Ingestion:
    """Return the import of history and live ingestion; both share the places for batches in memory."""
    turns, stores = FairTurns(BATCHES_OF_ALL), base.repositories
    erasures = build_restored_erasures(stores.erasure_records, stores.erasures, secret_box, base.clock)
    return Ingestion(
        build_history(base, throttle, turns, erasures.erase_caught_up),
        build_live(base, guild, turns),
        erasures.erased,
    )


def build_history(
    base: Base, throttle: ImportThrottle, turns: FairTurns, erase_caught_up: EraseCaughtUp | None = None
) -> HistoryImport:
    """Return the import of history."""
    return HistoryImport(
        base.repositories.ingestion,
        base.repositories.imports,
        base.events,
        erase_caught_up=erase_caught_up,
        clock=base.clock,
        throttle=throttle,
        turns=turns,
    )


def build_live(
    base: Base, guild: GuildServices, turns: FairTurns, *, group_seconds: float = GROUP_SECONDS
) -> LiveIngestion:
    """Return live ingestion, with every rule of a batch."""
    return LiveIngestion(
        base.repositories.ingestion,
        base.events,
        clock=base.clock,
        max_announce_age=timedelta(minutes=base.settings.polling.max_announce_age_minutes),
        rules=[KillRewards(guild.settings, guild.premium), FactionTags(guild.premium)],
        turns=turns,
        sharding=base.settings.discord.sharding,
        group_seconds=group_seconds,
    )


def build_game_logs(
    base: Base, guild: GuildServices, erased: ErasedPersons, hosts: GameLogOpener
) -> GameLogDependencies:
    """Return what the readers of Deadside.log share."""
    return GameLogDependencies(
        logs=hosts,
        store=base.repositories.game_logs,
        channels=guild.settings,
        settings=guild.settings,
        premium=guild.premium,
        erased=erased,
        events=base.events,
        max_announce_age=timedelta(minutes=base.settings.polling.max_announce_age_minutes),
        clock=base.clock,
    )


def build_reading(
    base: Base, guild: GuildServices, ingestion: Ingestion, delivery: Delivery, hosts: DeathLogAccess
) -> Reading:
    """Return the loops over the logs of game servers."""
    death_logs = DeathLogDependencies(
        servers=base.repositories.servers,
        imports=base.repositories.imports,
        logs=hosts,
        places=guild.places,
        live=ingestion.live,
        history=ingestion.history,
        channels=guild.settings,
        notifier=delivery.alerts,
        progress=delivery.progress,
        max_announce_age=timedelta(minutes=base.settings.polling.max_announce_age_minutes),
        clock=base.clock,
    )
    game_logs = build_game_logs(base, guild, ingestion.erased, hosts)
    is_whole = base.settings.discord.sharding.is_whole
    loops = ServerLoops(
        base.tasks,
        delivery.loop,
        base.repositories.scope_index,
        base.repositories.guilds,
        {
            DEATH_LOG: partial(DeathLogReader, dependencies=death_logs),
            GAME_LOG: partial(DeadsideLogReader, dependencies=game_logs),
        },
        LoopDependencies(
            servers=base.repositories.servers,
            logs=hosts,
            premium=guild.premium,
            notifier=delivery.alerts,
            clock=base.clock,
            minimum_poll_seconds=base.settings.polling.min_interval_seconds,
            look_seconds=LOOK_SECONDS if is_whole else SHARED_LOOK_SECONDS,
            errors=base.errors,
        ),
    )
    return Reading(hosts, loops)
