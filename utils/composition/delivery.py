"""Builds delivery: the one sender, the standing messages, the alerts, and the loops over outboxes."""

from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

import discord

from utils.composition.base import Base
from utils.composition.services import FeatureServices
from utils.composition.surroundings import GuildServices
from utils.delivery.admin_places import AdminPlaces
from utils.delivery.alerts import AdminAlerts
from utils.delivery.boards import BoardPages, PostedBoardMessages
from utils.delivery.bounty_boards import BountyBoards
from utils.delivery.counters import Counters
from utils.delivery.direct_messages import MESSAGES_A_SECOND, DirectMessages
from utils.delivery.event_posts import EventPosts
from utils.delivery.languages import GuildLanguages
from utils.delivery.loop import DeliveryLoop
from utils.delivery.members import DiscordRoles
from utils.delivery.pace import STANDING_A_SECOND, MessagePace
from utils.delivery.progress import ImportMessages
from utils.delivery.roles import EDITS_A_SECOND, RoleEdits
from utils.delivery.samples import SamplePosts
from utils.delivery.sender import DiscordSender
from utils.delivery.service import DeliveryService
from utils.delivery.standing_messages import StandingMessages
from utils.delivery.welcomes import WelcomeMessages
from utils.embeds.factory import EmbedFactory
from utils.interactions.kill_channels import KillChannels
from utils.services.guilds.guild_settings import SettingsService
from utils.services.players.posted_boards import PostedBoardService
from utils.services.ports import ServerReadings
from utils.services.roles.naming import RuleNaming


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The parts that post and edit."""

    sender: DiscordSender
    places: AdminPlaces
    languages: GuildLanguages
    messages: StandingMessages
    progress: ImportMessages
    samples: SamplePosts
    alerts: AdminAlerts
    welcomes: WelcomeMessages
    loop: DeliveryLoop
    event_posts: EventPosts
    roles: DiscordRoles
    role_edits: RoleEdits
    direct_messages: DirectMessages


class Displays(NamedTuple):
    """The parts that keep themselves up to date in channels: boards, boards of open bounties, counters."""

    boards: PostedBoardService
    bounty_boards: BountyBoards
    counters: Counters


def build_delivery(base: Base, guild: GuildServices, bot: discord.Client, factory: EmbedFactory) -> Delivery:
    """Return the parts that post and edit, all with one sender."""
    clock, tasks, settings = base.clock, base.tasks, guild.settings
    sender, languages = DiscordSender(bot, clock=clock), GuildLanguages(bot, factory, settings)
    pace = MessagePace(clock, a_second=STANDING_A_SECOND, share=base.settings.discord.sharding.share)
    messages = StandingMessages(sender, tasks, pace=pace, clock=clock)
    places = AdminPlaces(bot, sender, settings=settings, errors=base.errors)
    alerts = AdminAlerts(
        bot,
        sender,
        tasks,
        places=places,
        languages=languages,
        incidents=base.incidents,
        store=base.repositories.guilds,
        clock=clock,
    )
    service = DeliveryService(
        base.repositories.outbox,
        channels=settings,
        sender=sender,
        notifier=alerts,
        languages=languages,
        shapes=settings,
        events=base.events,
        clock=clock,
        max_announce_age=timedelta(minutes=base.settings.polling.max_announce_age_minutes),
        errors=base.errors,
    )
    pace = MessagePace(clock, share=base.settings.discord.sharding.share)
    roles = DiscordRoles(bot, sender, clock=clock)
    return Delivery(
        sender=sender,
        places=places,
        languages=languages,
        messages=messages,
        progress=ImportMessages(
            sender,
            messages,
            languages=languages,
            kill_channels=KillChannels(bot, settings),
            errors=base.errors,
        ),
        samples=SamplePosts(sender, channels=settings, shapes=settings, languages=languages, clock=clock),
        alerts=alerts,
        welcomes=WelcomeMessages(
            bot, base.repositories.guilds, sender, tasks, languages=languages, clock=clock
        ),
        loop=DeliveryLoop(service, tasks, pace=pace, notifier=alerts, clock=clock),
        event_posts=build_event_posts(base, messages, settings, languages),
        roles=roles,
        role_edits=build_role_edits(base, guild, sender, roles, languages, alerts),
        direct_messages=build_direct_messages(base, bot, sender, languages),
    )


def build_event_posts(
    base: Base, messages: StandingMessages, settings: SettingsService, languages: GuildLanguages
) -> EventPosts:
    """Return the edits of posts about events."""
    stores = base.repositories
    return EventPosts(
        stores.event_posts, messages, stores.servers, settings, languages, base.tasks, base.clock
    )


def build_role_edits(
    base: Base,
    guild: GuildServices,
    sender: DiscordSender,
    roles: DiscordRoles,
    languages: GuildLanguages,
    alerts: AdminAlerts,
) -> RoleEdits:
    """Return the part that gives and takes roles."""
    share = base.settings.discord.sharding.share
    return RoleEdits(
        sender,
        base.repositories.roles,
        roles=roles,
        naming=RuleNaming(base.repositories.servers, base.repositories.factions),
        languages=languages,
        premium=guild.premium,
        notifier=alerts,
        events=base.events,
        pace=MessagePace(base.clock, a_second=EDITS_A_SECOND, share=share),
        tasks=base.tasks,
        clock=base.clock,
    )


def build_direct_messages(
    base: Base, bot: discord.Client, sender: DiscordSender, languages: GuildLanguages
) -> DirectMessages:
    """Return the part that sends direct messages to members who asked for them."""
    share = base.settings.discord.sharding.share
    return DirectMessages(
        bot,
        sender,
        base.repositories.notifications,
        base.repositories.scope_index,
        languages=languages,
        pace=MessagePace(base.clock, a_second=MESSAGES_A_SECOND, share=share),
        tasks=base.tasks,
        clock=base.clock,
    )


def build_bounty_boards(
    base: Base, delivery: Delivery, guild: GuildServices, features: FeatureServices
) -> BountyBoards:
    """Return the boards of open bounties."""
    return BountyBoards(
        delivery.messages,
        base.repositories.bounty_boards,
        settings=guild.settings,
        premium=guild.premium,
        servers=features.servers,
        bounties=features.bounties,
        languages=delivery.languages,
        notifier=delivery.alerts,
        tasks=base.tasks,
        clock=base.clock,
    )


def build_counters(
    base: Base,
    bot: discord.Client,
    delivery: Delivery,
    guild: GuildServices,
    features: FeatureServices,
    readings: ServerReadings,
) -> Counters:
    """Return the channels whose names show how many players are online."""
    return Counters(
        bot,
        delivery.sender,
        base.repositories.servers,
        settings=guild.settings,
        servers=features.servers,
        players=features.server_players,
        premium=guild.premium,
        readings=readings,
        languages=delivery.languages,
        notifier=delivery.alerts,
        tasks=base.tasks,
        clock=base.clock,
    )


def build_board_messages(
    base: Base, delivery: Delivery, features: FeatureServices, readings: ServerReadings
) -> PostedBoardMessages:
    """Return the messages of posted boards."""
    pages = BoardPages(
        features.coverage,
        features.statistics,
        features.combat,
        features.server_players,
        readings,
        delivery.languages,
        base.clock,
    )
    return PostedBoardMessages(delivery.messages, base.repositories.boards, pages)
