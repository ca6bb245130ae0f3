"""Autocomplete of the options that many commands share; a failure offers nothing instead of an error."""

from collections.abc import Awaitable, Callable, Sequence
from functools import wraps
from typing import Any

import discord
from structlog import get_logger

from utils.errors import KillfeedError
from utils.interactions.access import get_guild_id, get_member_id, is_admin_member
from utils.interactions.failing import find_where
from utils.interactions.guild_cog import GuildCog
from utils.interactions.services import Services
from utils.localization.escape import isolate, isolate_parts
from utils.localization.localizer import Localizer
from utils.models.labels import LABEL_CHARACTERS, SEPARATOR, Choice, PlayerLabel, label_choices
from utils.models.players import KnownPlayer
from utils.models.scope import MemberId
from utils.models.typed_text import fold_text
from utils.models.visible_text import cut
from utils.services.servers.time_zones import search_zones

logger = get_logger(__name__)

MAX_CHOICES = 25  # Discord's limit

Completion = Callable[[discord.AutocompleteContext], Awaitable[list[Any]]]


def offer_if_found(find: Completion) -> Completion:
    """Return the autocomplete that offers what is found, and nothing where the search fails."""

    @wraps(find)
    async def complete(ctx: discord.AutocompleteContext) -> list[Any]:
        try:
            return await find(ctx)
        except KillfeedError as error:
            logger.info("autocomplete has nothing to offer", problem=str(error))
            get_services(ctx).errors.report(error, where=find_where(ctx.interaction))
            return []

    return complete


@offer_if_found
async def complete_server(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer this guild's servers by name; the value is the server's id."""
    servers = await get_services(ctx).servers.list_servers(get_guild_id(ctx.interaction))
    return offer(ctx, [(server.scope.server_id, server.name) for server in servers])


@offer_if_found
async def complete_backup(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the owners of the bot its backups by id, newest first; others get nothing."""
    services = get_services(ctx)
    if not await services.operators.is_owner(get_member_id(ctx.interaction)):
        return []
    return offer(ctx, [(backup.id, backup.id) for backup in await services.backups.list_backups()])


async def complete_zone(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer time zones by any part of their names; the value is the name."""
    zones = search_zones(str(ctx.value or ""), limit=MAX_CHOICES)
    return [discord.OptionChoice(zone, zone) for zone in zones]


@offer_if_found
async def complete_player(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer players by any part of any of their names, best known first; the value is the player's id."""
    names, guild_id = get_services(ctx).names, get_guild_id(ctx.interaction)
    return await _offer_players(ctx, await names.search(guild_id, str(ctx.value or ""), limit=MAX_CHOICES))


@offer_if_found
async def complete_seen_player(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the same players, and then those who were only seen on a game server."""
    seen, guild_id = get_services(ctx).seen, get_guild_id(ctx.interaction)
    return await _offer_players(ctx, await seen.search(guild_id, str(ctx.value or ""), limit=MAX_CHOICES))


async def _offer_players(
    ctx: discord.AutocompleteContext, found: Sequence[KnownPlayer]
) -> list[discord.OptionChoice]:
    services, guild_id = get_services(ctx), get_guild_id(ctx.interaction)
    labels = await services.names.label(guild_id, found)
    words = (await services.languages.speak(ctx.interaction, is_private=True)).words
    return [
        discord.OptionChoice(write_label(label, words), player.player_id)
        for label, player in zip(labels, found, strict=True)
    ]


def write_label(label: PlayerLabel, words: Localizer) -> str:
    """Return the label of a player in a language; the name is in it as it is, so that it can be typed."""
    name = isolate(label.name)
    if label.beside is None:
        return name
    return cut(f"{name}{SEPARATOR}{words.write_plain(label.beside)}", LABEL_CHARACTERS)


@offer_if_found
async def complete_own_link(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the caller's own links by name; the value is the player's id."""
    return await _offer_links(ctx, get_member_id(ctx.interaction))


@offer_if_found
async def complete_own_bounty(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the caller's own open bounties by target, amount and server; the value is the bounty's id."""
    bounties, guild_id = get_services(ctx).bounties, get_guild_id(ctx.interaction)
    own = await bounties.list_cancellable(guild_id, get_member_id(ctx.interaction))
    return offer(ctx, await bounties.name_choices(guild_id, own))


@offer_if_found
async def complete_rule(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the role rules of the guild by their role and their words; the value is the rule's id."""
    services = get_services(ctx)
    named = await services.role_rules.list_rules(get_guild_id(ctx.interaction))
    write = (await services.languages.speak(ctx.interaction, is_private=True)).words.write_plain
    return offer(ctx, [(rule.rule_id, write(words)) for rule, words in named])


@offer_if_found
async def complete_faction(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer this guild's factions by tag and name; the value is the faction's id."""
    return offer(ctx, await get_services(ctx).factions.list_choices(get_guild_id(ctx.interaction)))


@offer_if_found
async def complete_joinable_faction(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the factions that the caller may join: invitations first, then open ones."""
    guild_id, member_id = get_guild_id(ctx.interaction), get_member_id(ctx.interaction)
    return offer(ctx, await get_services(ctx).factions.list_joinable(guild_id, member_id))


@offer_if_found
async def complete_link_of_member(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the links of the member in the option ``member``; nothing before one is chosen."""
    member_id = str(ctx.options.get("member") or "")
    return await _offer_links(ctx, MemberId(int(member_id))) if member_id.isdecimal() else []


@offer_if_found
async def complete_person(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer admins every player, and others their own links."""
    is_admin = await is_admin_member(get_services(ctx), ctx.interaction)
    return await complete_seen_player(ctx) if is_admin else await complete_own_link(ctx)


async def _offer_links(ctx: discord.AutocompleteContext, member_id: MemberId) -> list[discord.OptionChoice]:
    links = await get_services(ctx).links.list_links(get_guild_id(ctx.interaction), member_id)
    return offer(ctx, [(link.player_id, link.player_name) for link in links])


def offer(ctx: discord.AutocompleteContext, choices: Sequence[Choice]) -> list[discord.OptionChoice]:
    """Return the choices with the typed text in their label; the value is the id."""
    wanted = fold_text(str(ctx.value or ""))
    labels = label_choices(choices)
    fitting = [
        discord.OptionChoice(isolate_parts(label, SEPARATOR, LABEL_CHARACTERS), key)
        for label, (key, _) in zip(labels, choices, strict=True)
        if wanted in fold_text(label)
    ]
    return fitting[:MAX_CHOICES]


def get_services(ctx: discord.AutocompleteContext) -> Services:
    """Return the services of the cog of a command."""
    cog = ctx.cog
    if not isinstance(cog, GuildCog):
        raise TypeError("autocomplete belongs to commands of a GuildCog")
    return cog.services
