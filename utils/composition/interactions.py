"""Builds interactions: the bot on Discord, and the dependencies of its commands."""

from dataclasses import dataclass

from utils.clock import Clock
from utils.composition.base import Base
from utils.composition.services import FeatureServices
from utils.composition.surroundings import GuildServices
from utils.embeds.factory import EmbedFactory
from utils.error_sink import ErrorSink
from utils.interactions.client import KillfeedBot, choose_bot
from utils.interactions.languages import AnswerLanguages
from utils.interactions.limits import MemberLimits
from utils.interactions.operators import Operators
from utils.interactions.replies import ErrorReplies
from utils.interactions.services import (
    Backups,
    Deliveries,
    HealthSource,
    PostedBoards,
    ProgressMessages,
    Restores,
    Samples,
    Services,
    TaskReports,
)
from utils.services.guilds.error_groups import ErrorGroupService, ErrorGroupStore, RecentErrors
from utils.services.ingestion.import_throttle import ImportThrottle
from utils.services.ports import ServerReadings
from utils.services.premium.grants import GrantService
from utils.tallies import CommandTally
from utils.telemetry.guides import advise, find_group_guide

COMMANDS_NAME = "commands.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSources:
    """The background work that commands show or start.

    Attributes:
        operators: the people with rights above guilds.
    """

    grants: GrantService
    boards: PostedBoards
    readings: ServerReadings
    deliveries: Deliveries
    samples: Samples
    progress: ProgressMessages
    backups: Backups
    restores: Restores
    tasks: TaskReports
    health: HealthSource
    errors: ErrorSink
    error_store: ErrorGroupStore
    recent_errors: RecentErrors
    operators: Operators


def build_bot(base: Base, throttle: ImportThrottle, tally: CommandTally) -> KillfeedBot:
    """Return the bot, which is not connected yet."""
    sharding = base.settings.discord.sharding
    return choose_bot(sharding)(
        base.events,
        sharding=sharding,
        errors=base.errors,
        throttle=throttle,
        commands_file=base.settings.data_dir / COMMANDS_NAME,
        tally=tally,
    )


def build_services(
    guild: GuildServices, features: FeatureServices, shown: CommandSources, embeds: EmbedFactory, clock: Clock
) -> Services:
    """Return the dependencies of commands."""
    return Services(
        settings=guild.settings,
        premium=guild.premium,
        audit=guild.audit,
        names=guild.names,
        seen=guild.seen,
        servers=features.servers,
        server_changes=features.server_changes,
        server_facts=features.server_facts,
        guild_changes=features.guild_changes,
        locale_uses=features.locale_uses,
        event_changes=features.event_changes,
        world_reports=features.world_reports,
        links=features.links,
        role_looks=features.role_looks,
        role_rules=features.role_rules,
        factions=features.factions,
        coverage=features.coverage,
        statistics=features.statistics,
        combat=features.combat,
        server_comparisons=features.server_comparisons,
        server_players=features.server_players,
        server_logs=features.server_logs,
        ranks=features.ranks,
        xp_events=features.xp_events,
        playtimes=features.playtimes,
        populations=features.populations,
        wallets=features.wallets,
        bounties=features.bounties,
        seasons=features.seasons,
        season_reports=features.season_reports,
        recaps=features.recaps,
        exports=features.exports,
        notifications=features.notifications,
        erasures=features.erasures,
        grants=shown.grants,
        boards=shown.boards,
        readings=shown.readings,
        deliveries=shown.deliveries,
        samples=shown.samples,
        progress=shown.progress,
        backups=shown.backups,
        restores=shown.restores,
        tasks=shown.tasks,
        health=shown.health,
        languages=(languages := AnswerLanguages(embeds, guild.settings)),
        errors=shown.errors,
        error_groups=build_error_groups(guild, shown, clock),
        replies=ErrorReplies(languages, shown.errors, advise=advise),
        limits=MemberLimits(clock),
        clock=clock,
        operators=shown.operators,
    )


def build_error_groups(guild: GuildServices, shown: CommandSources, clock: Clock) -> ErrorGroupService:
    """Return the errors as admins see and resolve them."""
    return ErrorGroupService(
        shown.error_store,
        shown.recent_errors,
        find_guide=find_group_guide,
        audit=guild.audit,
        clock=clock,
    )
