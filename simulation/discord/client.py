"""Actions of people in the Discord client, and the interactions that it sends to the bot for them."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Self

from simulation.discord.commands import Command, CommandRegistry
from simulation.discord.entities import Channel, Guild, InteractionKind, Membership, Message, User
from simulation.discord.errors import ImpossibleActionError, UnansweredError, UnknownCommandError
from simulation.discord.interaction_desk import InteractionDesk
from simulation.discord.interactions import InteractionRecord
from simulation.discord.messages import MessageBoard
from simulation.discord.modal_input import fill_in
from simulation.discord.options import OptionReader
from simulation.discord.payloads import channel_payload, member_payload, message_payload, user_payload
from simulation.discord.permissions import Permission
from simulation.discord.rest.bodies import MAX_UPLOAD_BYTES
from simulation.discord.signals import PATIENCE_SECONDS
from simulation.discord.validation.commands import SUBCOMMAND, SUBCOMMAND_GROUP, USER_COMMAND
from simulation.discord.validation.components import (
    BUTTON,
    CHANNEL_SELECT,
    LINK_STYLE,
    SELECTS,
    STRING_SELECT,
)
from simulation.discord.world import World

GUILD_CONTEXT, BOT_DM_CONTEXT = 0, 1
# rights that a bot always has when it answers interactions of a direct message
_DM_APP_PERMISSIONS = int(
    Permission.SEND_MESSAGES | Permission.EMBED_LINKS | Permission.ATTACH_FILES | Permission.MENTION_EVERYONE
)


@dataclass(frozen=True, slots=True)
class Client:
    """The parts of the world that a person's client uses."""

    world: World
    registry: CommandRegistry
    desk: InteractionDesk
    board: MessageBoard


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a server at their Discord client, with all actions there and in direct messages."""

    client: Client = field(repr=False)
    guild: Guild
    user: User

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """The text that mentions this member."""
        return self.user.mention

    @property
    def membership(self) -> Membership:
        """This person's membership of the server."""
        return self.guild.members[self.id]

    # slash commands

    async def invoke(self, channel: Channel, command: str, /, **options: Any) -> "Interaction":
        """Run a slash command (`"/admin server add"`) and return at once; `reply.wait()` waits for more.

        Options are given by name: text, numbers, booleans, and `User`, `Member`, `Role`, `Channel` objects.

        Raises:
            ImpossibleActionError: Discord's client would not send this (see its subclasses).
        """
        registered, path = self._find_command(channel, command)
        reader = OptionReader(channel)
        data = _command_data(registered, path, reader.read(path[-1], _as_data(options)))
        if reader.resolved:
            data["resolved"] = reader.resolved
        return self._send(InteractionKind.COMMAND, channel, data)

    async def ask(self, channel: Channel, command: str, /, **options: Any) -> "Interaction":
        """Run a slash command and wait for its final answer (or its modal)."""
        reply = await self.invoke(channel, command, **options)
        return await reply.wait()

    async def invoke_on(self, channel: Channel, command: str, target: "Member | User") -> "Interaction":
        """Run a command of the menu on a person (*Apps*), who may have left the server since they wrote.

        Raises:
            ImpossibleActionError: Discord's client would not offer this (see its subclasses).
        """
        guild = channel.guild
        registered = self.client.registry.find(command, guild.id if guild else None, USER_COMMAND)
        if registered is None:
            raise UnknownCommandError(f"no command {command!r} is registered for the menu on a person")
        self._require_offered(channel, registered)
        reader = OptionReader(channel)
        user = target.user if isinstance(target, Member) else target
        data = _command_data(registered, [registered], []) | {"target_id": reader.refer_to(user)}
        return self._send(InteractionKind.COMMAND, channel, data | {"resolved": reader.resolved})

    async def ask_on(self, channel: Channel, command: str, target: "Member | User") -> "Interaction":
        """Run a command of the menu on a person, and wait for its final answer (or its modal)."""
        reply = await self.invoke_on(channel, command, target)
        return await reply.wait()

    async def autocomplete(
        self, channel: Channel, command: str, option: str, typed: str, /, **others: Any
    ) -> list[dict[str, Any]]:
        """Type into an option and return the choices the bot offers (`name` and `value` each)."""
        registered, path = self._find_command(channel, command)
        given = OptionReader(channel).read_partial(path[-1], _as_data(others), focused=option, typed=typed)
        data = _command_data(registered, path, given)
        interaction = self._send(InteractionKind.AUTOCOMPLETE, channel, data)
        await interaction.wait_for_acknowledgement()
        return interaction.choices or []

    def _find_command(self, channel: Channel, text: str) -> tuple[Command, list[Command]]:
        """Return the registered command and the way to the named subcommand, the command itself first."""
        names = text.removeprefix("/").split()
        guild = channel.guild
        registered = self.client.registry.find(names[0], guild.id if guild else None)
        if registered is None:
            raise UnknownCommandError(f"no command /{names[0]} is registered here")
        self._require_offered(channel, registered)
        path = [registered]
        for name in names[1:]:
            path.append(_child(path[-1], name, text))
        if any(option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP) for option in path[-1].get("options", ())):
            raise UnknownCommandError(f"{text} names a group, not a command")
        return registered, path

    def _require_offered(self, channel: Channel, command: Command) -> None:
        name = f"/{command['name']}"
        contexts = command.get("contexts")
        if contexts is not None and (GUILD_CONTEXT if channel.guild else BOT_DM_CONTEXT) not in contexts:
            raise UnknownCommandError(f"{name} is not offered in this place")
        if channel.guild is None:
            if contexts is None and not command["dm_permission"]:
                raise UnknownCommandError(f"{name} is for servers only")
            return
        granted = self._require_access(channel)
        if Permission.USE_APPLICATION_COMMANDS not in granted:
            raise UnknownCommandError(f"{self.user.username} may not use commands here")
        needed = command["default_member_permissions"]
        if needed is None or Permission.ADMINISTRATOR in granted:
            return
        if int(needed) == 0 or int(granted) & int(needed) != int(needed):
            raise UnknownCommandError(f"{self.user.username} does not see {name}: permissions")

    def _require_access(self, channel: Channel) -> Permission:
        if channel.guild is not self.guild or channel.id not in self.guild.channels:
            raise ImpossibleActionError(f"{self.user.username} is not in the server of #{channel.name}")
        granted = self.membership.permissions_in(channel)
        if Permission.VIEW_CHANNEL not in granted:
            raise ImpossibleActionError(f"{self.user.username} does not see #{channel.name}")
        return granted

    # components and modals

    async def press(self, message: Message, button: str) -> "Interaction":
        """Press a button, named by its label or custom_id.

        Raises:
            ImpossibleActionError: there is no such button, it is disabled, or this person does not see it.
        """
        if message.channel.guild is not None:
            self._require_access(message.channel)
        return self.use_component(message, button, values=())

    async def select(self, message: Message, menu: str, *values: "str | Channel") -> "Interaction":
        """Choose values (or their labels) or channels in a select menu, named by placeholder or custom_id."""
        return self.use_component(message, menu, values=values)

    def use_component(
        self, message: Message, name: str, *, values: "Sequence[str | Channel]"
    ) -> "Interaction":
        """Use a component of a message on the screen, even if the channel has changed since."""
        if message.is_deleted or not message.is_visible_to(self.user):
            raise ImpossibleActionError(f"{self.user.username} does not see this message")
        component = _find_component(message, name)
        if component.get("disabled"):
            raise ImpossibleActionError(f"{name!r} is disabled")
        data = {"custom_id": component["custom_id"], "component_type": component["type"], "id": 1}
        if component["type"] == CHANNEL_SELECT:
            data |= self._chosen_channels(component, values)
        elif component["type"] in SELECTS:
            data["values"] = _chosen_values(component, values)
        elif values:
            raise ImpossibleActionError(f"{name!r} is a button")
        return self._send(InteractionKind.COMPONENT, message.channel, data, source=message)

    def _chosen_channels(
        self, menu: Mapping[str, Any], channels: "Sequence[str | Channel]"
    ) -> dict[str, Any]:
        """Return the values of a channel select, and what the client adds about the channels."""
        offered = {
            str(one.id): one
            for one in self.guild.channels.values()
            if Permission.VIEW_CHANNEL in self.membership.permissions_in(one)
            and int(one.kind) in (menu.get("channel_types") or [int(one.kind)])
        }
        values = [str(one.id) if isinstance(one, Channel) else one for one in channels]
        if len(values) != 1 or values[0] not in offered:
            raise ImpossibleActionError(f"the menu offers one of {[one.name for one in offered.values()]}")
        [channel] = [offered[value] for value in values]
        permissions = str(int(self.membership.permissions_in(channel)))
        resolved = {values[0]: channel_payload(channel) | {"permissions": permissions}}
        return {"values": values, "resolved": {"channels": resolved}}

    def submit_modal(self, opener: InteractionRecord, values: Mapping[str, Any]) -> "Interaction":
        """Fill in the form that an interaction opened, and send it; see `Interaction.submit_modal`."""
        modal = opener.require_modal()
        data = {"custom_id": modal.custom_id, "components": fill_in(modal, values)}
        return self._send(
            InteractionKind.MODAL_SUBMIT, opener.channel, data, source=opener.source, parent=opener
        )

    # messages

    async def say(self, channel: Channel, content: str) -> Message:
        """Write a message into a channel as this person."""
        return self.client.board.create(channel, self.user, {"content": content}, {})

    def visible_messages(self, channel: Channel) -> list[Message]:
        """Return the messages that this person sees in the channel, private replies too, oldest first."""
        if Permission.VIEW_CHANNEL not in self.membership.permissions_in(channel):
            return []
        return [message for message in channel.all_messages if message.is_visible_to(self.user)]

    # payloads for the bot

    def _send(
        self,
        kind: InteractionKind,
        channel: Channel,
        data: dict[str, Any],
        *,
        source: Message | None = None,
        parent: InteractionRecord | None = None,
    ) -> "Interaction":
        world = self.client.world
        interaction = Interaction(
            id=world.snowflakes.make(),
            token=secrets.token_urlsafe(64),
            kind=kind,
            user=self.user,
            channel=channel,
            source=source,
            parent=parent,
            sent_at=world.clock.now(),
            opened_after=world.clock.live(),
            member=self,
        )
        interaction.payload = _build_payload(interaction, world.application_id, data)
        self.client.desk.add(interaction)
        world.events.dispatch("INTERACTION_CREATE", interaction.payload, guild=channel.guild)
        world.signal.notify()
        return interaction


@dataclass(eq=False, kw_only=True)
class Interaction(InteractionRecord):
    """One interaction, seen by the person who started it. Tests call it the reply."""

    member: Member = field(repr=False)

    @property
    def has_failed(self) -> bool:
        """Whether the client showed that the application did not respond."""
        return not self.is_acknowledged and self.member.client.desk.is_too_late(self)

    async def wait_for_acknowledgement(self) -> Self:
        """Wait for the first answer of any kind.

        Raises:
            UnansweredError: the three seconds passed without one.
        """
        while not self.is_acknowledged:
            left = self.member.client.desk.count_seconds_left(self)
            if left <= 0:
                refused = "".join(f"; refused: {refusal} {refusal.tree or ''}" for refusal in self.refusals)
                raise UnansweredError(f"{self.describe()}: the application did not respond{refused}")
            with suppress(TimeoutError):  # checked again afterwards: a stall of the machine does not count
                await self._until(lambda: self.is_acknowledged, left, "the acknowledgement of")
        return self

    async def wait(self, within_seconds: float = PATIENCE_SECONDS) -> Self:
        """Wait for the final answer, which is a finished message, a modal or choices.

        Raises:
            UnansweredError: no acknowledgement in three seconds, or no answer in time.
        """
        await self.wait_for_acknowledgement()
        try:
            await self._until(lambda: self.is_answered, within_seconds, "the answer to")
        except TimeoutError as error:
            raise UnansweredError(str(error)) from error
        return self

    async def wait_until(
        self, condition: Callable[[Self], bool], within_seconds: float = PATIENCE_SECONDS
    ) -> Self:
        """Wait until a condition is true for this interaction, such as a third edit."""
        await self._until(lambda: condition(self), within_seconds, "a condition on")
        return self

    async def _until(self, condition: Callable[[], bool], within_seconds: float, what: str) -> None:
        await self.member.client.world.until(condition, within_seconds, f"{what} {self.describe()}")

    async def submit_modal(self, values: Mapping[str, Any]) -> "Interaction":
        """Fill in the form, by label or custom_id, and send it; return the new interaction.

        Raises:
            ImpossibleActionError: no form is open, or the client would not send these values.
        """
        return self.member.submit_modal(self, values)

    async def click(self, button: str, *values: str | Channel) -> "Interaction":
        """Press a button of the answer as the person who asked, or choose values in one of its selects."""
        return self.member.use_component(self.answer, button, values=values)


def _as_data(options: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.user if isinstance(value, Member) else value for name, value in options.items()}


def _build_payload(
    interaction: InteractionRecord, application_id: int, data: dict[str, Any]
) -> dict[str, Any]:
    channel, user = interaction.channel, interaction.user
    payload: dict[str, Any] = {
        "id": str(interaction.id),
        "application_id": str(application_id),
        "type": int(interaction.kind),
        "token": interaction.token,
        "version": 1,
        "data": data,
        "channel_id": str(channel.id),
        "channel": channel_payload(channel),
        "locale": user.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "attachment_size_limit": MAX_UPLOAD_BYTES,
    }
    if channel.guild is not None:
        payload |= _guild_part(channel.guild.members[user.id], channel)
    else:
        payload |= {
            "user": user_payload(user),
            "app_permissions": str(_DM_APP_PERMISSIONS),
            "authorizing_integration_owners": {"0": "0"},
            "context": BOT_DM_CONTEXT,
        }
    if interaction.source is not None:
        payload["message"] = message_payload(interaction.source)
    return payload


def _guild_part(member: Membership, channel: Channel) -> dict[str, Any]:
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


def _child(parent: Command, name: str, text: str) -> Command:
    for option in parent.get("options", ()):
        if option["name"] == name and option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP):
            return dict(option)
    raise UnknownCommandError(f"{text} is not registered: no {name!r} under {parent['name']!r}")


def _command_data(registered: Command, path: Sequence[Command], given: list[Command]) -> dict[str, Any]:
    """Return the data of a command interaction; subcommands wrap the given options."""
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


def _chosen_values(menu: Mapping[str, Any], values: Sequence[Any]) -> list[str]:
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
