"""Autocomplete of the options that many commands share; a failure offers nothing instead of an error."""

import discord
from structlog import get_logger

from utils.embeds.escape import NAMELESS, clean_text
from utils.errors import KillfeedError
from utils.interactions.access import GuildCog, get_guild_id, is_admin_member
from utils.interactions.services import Services
from utils.models.players import KnownPlayer
from utils.models.scope import GuildId, MemberId, ServerId

logger = get_logger(__name__)

MAX_CHOICES = 25  # Discord's limit
MAX_CHOICE_CHARACTERS = 100  # Discord's limit, of names and values
MAX_NAME_CHARACTERS = 60


async def complete_server(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer this guild's servers by name; the value is the server's id."""
    try:
        servers = await _get_services(ctx).servers.list_servers(get_guild_id(ctx))
    except KillfeedError as error:
        return _offer_nothing(error)
    wanted = str(ctx.value or "").casefold()
    fitting = [server for server in servers if wanted in server.name.casefold()]
    return [
        discord.OptionChoice(
            clean_text(server.name, MAX_CHOICE_CHARACTERS) or NAMELESS, server.scope.server_id
        )
        for server in fitting[:MAX_CHOICES]
    ]


async def complete_player(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer players by any part of any of their names, best known first; the value is the player's id."""
    services = _get_services(ctx)
    try:
        guild_id = get_guild_id(ctx)
        found = await services.names.search(guild_id, str(ctx.value or ""), limit=MAX_CHOICES)
        labels = await _label_players(services, guild_id, found)
    except KillfeedError as error:
        return _offer_nothing(error)
    return [
        discord.OptionChoice(label, player.player_id) for label, player in zip(labels, found, strict=True)
    ]


async def complete_own_link(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the caller's own links by name; the value is the player's id."""
    user = ctx.interaction.user
    return [] if user is None else await _offer_links(ctx, user.id)


async def complete_link_of_member(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer the links of the member who was chosen in the option ``member``; nothing before that."""
    member_id = str(ctx.options.get("member") or "")
    return await _offer_links(ctx, int(member_id)) if member_id.isdecimal() else []


async def complete_person(ctx: discord.AutocompleteContext) -> list[discord.OptionChoice]:
    """Offer admins every player, and others their own links."""
    try:
        is_admin = await is_admin_member(_get_services(ctx), ctx.interaction, get_guild_id(ctx))
    except KillfeedError as error:
        return _offer_nothing(error)
    return await complete_player(ctx) if is_admin else await complete_own_link(ctx)


async def _offer_links(ctx: discord.AutocompleteContext, member_id: int) -> list[discord.OptionChoice]:
    try:
        links = await _get_services(ctx).links.list_links(get_guild_id(ctx), MemberId(member_id))
    except KillfeedError as error:
        return _offer_nothing(error)
    wanted = str(ctx.value or "").casefold()
    fitting = [link for link in links if wanted in link.player_name.casefold()]
    return [
        discord.OptionChoice(clean_text(link.player_name) or NAMELESS, link.player_id)
        for link in fitting[:MAX_CHOICES]
    ]


async def _label_players(services: Services, guild_id: GuildId, players: list[KnownPlayer]) -> list[str]:
    """Return what each choice shows; players of one name are told apart by server and last seen."""
    names = [player.name for player in players]
    if len(set(names)) == len(names):
        return [_write_name(player) for player in players]
    servers = await services.servers.list_servers(guild_id)
    server_names = {server.scope.server_id: server.name for server in servers}
    return [
        _tell_apart(player, server_names) if names.count(player.name) > 1 else _write_name(player)
        for player in players
    ]


def _tell_apart(player: KnownPlayer, server_names: dict[ServerId, str]) -> str:
    seen = player.last_seen_at.strftime("%d %b %Y, %H:%M")
    known = f"{_write_name(player)} · {seen} UTC"
    where = ", ".join(server_names.get(server_id, "?") for server_id in player.servers)
    return f"{known} · {clean_text(where, MAX_CHOICE_CHARACTERS)}"[:MAX_CHOICE_CHARACTERS]


def _write_name(player: KnownPlayer) -> str:
    """Return a name that can be seen: Discord refuses all choices when one of them is blank."""
    return clean_text(player.name, MAX_NAME_CHARACTERS) or NAMELESS


def _get_services(ctx: discord.AutocompleteContext) -> Services:
    cog = ctx.cog
    if not isinstance(cog, GuildCog):
        raise TypeError("autocomplete belongs to commands of a GuildCog")
    return cog.services


def _offer_nothing(error: KillfeedError) -> list[discord.OptionChoice]:
    logger.info("autocomplete has nothing to offer", problem=str(error))
    return []
