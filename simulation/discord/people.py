"""What people do in the Discord client, and what it sends to the bot for them."""

from collections.abc import Mapping, Sequence
from typing import Any

from simulation.discord.commands import Command, CommandRegistry
from simulation.discord.entities import Channel, Member, Message, User
from simulation.discord.errors import ImpossibleActionError, UnknownCommandError
from simulation.discord.interaction_desk import InteractionDesk
from simulation.discord.interactions import Interaction, InteractionKind, require_open_modal
from simulation.discord.messages import MessageBoard
from simulation.discord.modal_input import fill_in
from simulation.discord.options import OptionReader
from simulation.discord.payloads import (
    channel_payload,
    member_payload,
    message_payload,
    user_payload,
)
from simulation.discord.permissions import Permission
from simulation.discord.rest.bodies import MAX_UPLOAD_BYTES
from simulation.discord.validation.commands import SUBCOMMAND, SUBCOMMAND_GROUP
from simulation.discord.validation.components import BUTTON, LINK_STYLE, SELECTS, STRING_SELECT
from simulation.discord.world import World

GUILD_CONTEXT, BOT_DM_CONTEXT = 0, 1
# rights that a bot always has where it answers interactions of a direct message
_DM_APP_PERMISSIONS = int(
    Permission.SEND_MESSAGES | Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE
)


class People:
    """Turns a person's action into an interaction and sends it, as the client would."""

    def __init__(
        self, world: World, registry: CommandRegistry, desk: InteractionDesk, board: MessageBoard
    ) -> None:
        self._world = world
        self._registry = registry
        self._desk = desk
        self._board = board

    # slash commands

    def invoke(
        self, actor: Member | User, channel: Channel, command: str, options: Mapping[str, Any]
    ) -> Interaction:
        """Send a slash command; see `Member.invoke`."""
        registered, path = self._find_command(actor, channel, command)
        reader = OptionReader(channel)
        given = reader.read(path[-1], options)
        interaction = self._desk.open(InteractionKind.COMMAND, _user(actor), channel)
        data = _command_data(registered, path, given)
        if reader.resolved:
            data["resolved"] = reader.resolved
        return self._send(interaction, actor, data)

    async def autocomplete(
        self,
        actor: Member | User,
        channel: Channel,
        command: str,
        option: str,
        typed: str,
        others: Mapping[str, Any],
    ) -> list[dict[str, Any]]:
        """Send what a person has typed so far and return the choices; see `Member.autocomplete`."""
        registered, path = self._find_command(actor, channel, command)
        given = OptionReader(channel).read_partial(path[-1], others, focused=option, typed=typed)
        interaction = self._desk.open(InteractionKind.AUTOCOMPLETE, _user(actor), channel)
        self._send(interaction, actor, _command_data(registered, path, given))
        await interaction.wait_for_acknowledgement()
        return interaction.choices or []

    def _find_command(
        self, actor: Member | User, channel: Channel, text: str
    ) -> tuple[Command, list[Command]]:
        """Return the registered command and the way to the named subcommand, the command itself first."""
        names = text.removeprefix("/").split()
        guild = channel.guild
        registered = self._registry.find_chat_command(names[0], guild.id if guild else None)
        if registered is None:
            raise UnknownCommandError(f"no command /{names[0]} is registered here")
        self._require_visible(actor, channel, registered)
        path = [registered]
        for name in names[1:]:
            path.append(_child(path[-1], name, text))
        if any(option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP) for option in path[-1].get("options", ())):
            raise UnknownCommandError(f"{text} names a group, not a command")
        return registered, path

    @staticmethod
    def _require_visible(actor: Member | User, channel: Channel, command: Command) -> None:
        name = f"/{command['name']}"
        context = GUILD_CONTEXT if channel.guild else BOT_DM_CONTEXT
        contexts = command.get("contexts")
        if contexts is not None and context not in contexts:
            raise UnknownCommandError(f"{name} is not offered in this place")
        if not isinstance(actor, Member):
            if contexts is None and not command["dm_permission"]:
                raise UnknownCommandError(f"{name} is for servers only")
            return
        granted = _require_access(actor, channel)
        if Permission.USE_APPLICATION_COMMANDS not in granted:
            raise UnknownCommandError(f"{actor.user.username} may not use commands here")
        needed = command["default_member_permissions"]
        if needed is None or Permission.ADMINISTRATOR in granted:
            return
        if int(needed) == 0 or int(granted) & int(needed) != int(needed):
            raise UnknownCommandError(f"{actor.user.username} does not see {name}: permissions")

    # components and modals

    def press(self, message: Message, member: Member, name: str, *, values: Sequence[str]) -> Interaction:
        """Press a button or use a select menu; see `Message.click`."""
        if message.channel.guild is not None:
            _require_access(member, message.channel)
        return self._press(message, member, name, values)

    def press_as_user(self, message: Message, user: User, name: str, *, values: Sequence[str]) -> Interaction:
        """Press a component as the user who asked, member or not."""
        guild = message.channel.guild
        return self._press(message, guild.members[user.id] if guild else user, name, values)

    def _press(self, message: Message, actor: Member | User, name: str, values: Sequence[str]) -> Interaction:
        if message.is_deleted or not message.is_visible_to(_user(actor)):
            raise ImpossibleActionError(f"{_user(actor).username} does not see this message")
        component = _find_component(message, name)
        if component.get("disabled"):
            raise ImpossibleActionError(f"{name!r} is disabled")
        interaction = self._desk.open(
            InteractionKind.COMPONENT, _user(actor), message.channel, source=message
        )
        data = {"custom_id": component["custom_id"], "component_type": component["type"], "id": 1}
        if component["type"] in SELECTS:
            data["values"] = _chosen_values(component, values)
        elif values:
            raise ImpossibleActionError(f"{name!r} is a button")
        return self._send(interaction, actor, data)

    def submit_modal(self, opener: Interaction, values: Mapping[str, Any]) -> Interaction:
        """Send a filled-in form; see `Interaction.submit_modal`."""
        modal = require_open_modal(opener)
        components = fill_in(modal, values)
        interaction = self._desk.open(
            InteractionKind.MODAL_SUBMIT, opener.user, opener.channel, source=opener.source, parent=opener
        )
        guild = opener.channel.guild
        actor = guild.members[opener.user.id] if guild else opener.user
        return self._send(interaction, actor, {"custom_id": modal.custom_id, "components": components})

    def say(self, actor: Member | User, channel: Channel, content: str) -> Message:
        """Write a person's message."""
        return self._board.create(channel, _user(actor), {"content": content}, {})

    # what the bot gets

    def _send(self, interaction: Interaction, actor: Member | User, data: dict[str, Any]) -> Interaction:
        interaction.payload = self._payload(interaction, actor, data)
        guild = interaction.channel.guild
        self._world.events.dispatch("INTERACTION_CREATE", interaction.payload, guild=guild)
        self._world.signal.notify()
        return interaction

    def _payload(
        self, interaction: Interaction, actor: Member | User, data: dict[str, Any]
    ) -> dict[str, Any]:
        channel = interaction.channel
        payload: dict[str, Any] = {
            "id": str(interaction.id),
            "application_id": str(self._world.application_id),
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": data,
            "channel_id": str(channel.id),
            "channel": channel_payload(channel),
            "locale": interaction.user.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "attachment_size_limit": MAX_UPLOAD_BYTES,
        }
        if isinstance(actor, Member):
            payload |= _guild_part(actor, channel)
        else:
            payload |= {
                "user": user_payload(actor),
                "app_permissions": str(_DM_APP_PERMISSIONS),
                "authorizing_integration_owners": {"0": "0"},
                "context": BOT_DM_CONTEXT,
            }
        if interaction.source is not None:
            payload["message"] = message_payload(interaction.source)
        return payload


def _guild_part(member: Member, channel: Channel) -> dict[str, Any]:
    guild = member.guild
    permissions = str(int(member.permissions_in(channel)))
    payload: dict[str, Any] = {
        "guild_id": str(guild.id),
        "guild": {"id": str(guild.id), "locale": guild.locale, "features": []},
        "guild_locale": guild.locale,
        "member": member_payload(member) | {"permissions": permissions},
        "app_permissions": str(int(guild.bot.permissions_in(channel))),
        "authorizing_integration_owners": {"0": str(guild.id)},
        "context": GUILD_CONTEXT,
    }
    payload["channel"] = channel_payload(channel) | {"permissions": permissions}
    return payload


def _user(actor: Member | User) -> User:
    return actor.user if isinstance(actor, Member) else actor


def _require_access(member: Member, channel: Channel) -> Permission:
    if channel.guild is not member.guild or channel.id not in member.guild.channels:
        raise ImpossibleActionError(f"{member.user.username} is not in the server of #{channel.name}")
    granted = member.permissions_in(channel)
    if Permission.VIEW_CHANNEL not in granted:
        raise ImpossibleActionError(f"{member.user.username} does not see #{channel.name}")
    return granted


def _child(parent: Command, name: str, text: str) -> Command:
    for option in parent.get("options", ()):
        if option["name"] == name and option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP):
            return dict(option)
    raise UnknownCommandError(f"{text} is not registered: no {name!r} under {parent['name']!r}")


def _command_data(registered: Command, path: Sequence[Command], given: list[Command]) -> dict[str, Any]:
    """Return the data of a command interaction; subcommands wrap the options that were given."""
    options = given
    for step in reversed(path[1:]):
        options = [{"name": step["name"], "type": step["type"], "options": options}]
    data: dict[str, Any] = {"id": registered["id"], "name": registered["name"], "type": registered["type"]}
    if "guild_id" in registered:
        data["guild_id"] = registered["guild_id"]
    if options:
        data["options"] = options
    return data


def _find_component(message: Message, name: str) -> dict[str, Any]:
    for component in message.interactive_components:
        if component.get("type") == BUTTON and component.get("style") == LINK_STYLE:
            continue
        emoji = (component.get("emoji") or {}).get("name")
        if name in (component.get("custom_id"), component.get("label"), component.get("placeholder"), emoji):
            return component
    raise ImpossibleActionError(f"the message has no component {name!r}")


def _chosen_values(menu: Mapping[str, Any], values: Sequence[str]) -> list[str]:
    """Return the values of the chosen options, which may be named by label too."""
    least, most = menu.get("min_values", 1), menu.get("max_values", 1)
    if not least <= len(values) <= most:
        raise ImpossibleActionError(f"choose {least} to {most} values, not {len(values)}")
    if menu["type"] != STRING_SELECT:
        return list(values)
    by_name = {option["label"]: option["value"] for option in menu["options"]}
    by_name |= {option["value"]: option["value"] for option in menu["options"]}
    unknown = [value for value in values if value not in by_name]
    if unknown:
        raise ImpossibleActionError(f"the menu does not offer {unknown}")
    return [by_name[value] for value in values]
