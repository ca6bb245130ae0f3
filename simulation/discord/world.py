"""The state of the simulated world and every change that people and Discord make to it.

A change goes through a method of `World`, which sends the gateway event to the bot and wakes all waiters. All
changes are synchronous: an event is queued, never awaited, so events have the order of the calls.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from simulation.discord import payloads
from simulation.discord.clock import WorldClock
from simulation.discord.entities import Channel, ChannelKind, Guild, Membership, Message, Role, User
from simulation.discord.permissions import DEFAULT_EVERYONE, Overwrite, Permission
from simulation.discord.signals import PATIENCE_SECONDS, ChangeSignal
from simulation.discord.snowflakes import SnowflakeFactory

# the rights in the invitation link of a bot like this one
INVITED_BOT_PERMISSIONS = (
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.MANAGE_CHANNELS
    | Permission.USE_APPLICATION_COMMANDS
)


class EventSink(Protocol):
    """Receives gateway events."""

    def dispatch(self, event: str, data: dict[str, Any], *, guild: Guild | None = None) -> None:
        """Queue an event for every session that may see it."""

    def announce_guild(self, guild: Guild) -> None:
        """Queue GUILD_CREATE."""


class World:
    """Users, servers and the bot's own application."""

    events: EventSink

    def __init__(self) -> None:
        self.clock = WorldClock()
        self.signal = ChangeSignal()
        self.snowflakes = SnowflakeFactory(self.clock)
        self.users: dict[int, User] = {}
        self.guilds: dict[int, Guild] = {}
        self.channels: dict[int, Channel] = {}
        self.application_id = self.snowflakes.make()
        self.owner = self.create_user("application_owner")  # the owner of the application
        self.team: list[tuple[User, str, bool]] = []  # user, role, and whether they accepted
        self.bot_user = User(self.application_id, "killfeed", is_bot=True)
        self.users[self.bot_user.id] = self.bot_user
        self._message_watchers: list[Callable[[str, Message], None]] = []

    # users and members

    def create_user(self, username: str, *, global_name: str | None = None) -> User:
        """Create an account that can join several servers."""
        user = User(self.snowflakes.make(), username, global_name)
        self.users[user.id] = user
        return user

    def join(
        self, guild: Guild, user: User, *, roles: Sequence[Role] = (), nick: str | None = None
    ) -> Membership:
        """Let a user join a server."""
        membership = Membership(guild, user, self.clock.now_iso(), list(roles), nick)
        guild.members[user.id] = membership
        data = payloads.member_payload(membership) | {"guild_id": str(guild.id)}
        self._tell("GUILD_MEMBER_ADD", data, guild)
        return membership

    def leave(self, membership: Membership) -> None:
        """Let a member leave a server, and lose their roles there."""
        del membership.guild.members[membership.id]
        data = {
            "guild_id": str(membership.guild.id),
            "user": payloads.user_payload(membership.user),
        }
        self._tell("GUILD_MEMBER_REMOVE", data, membership.guild)

    def set_roles(self, membership: Membership, roles: Iterable[Role]) -> None:
        """Give a member exactly these roles."""
        membership.roles = list(roles)
        data = payloads.member_payload(membership) | {"guild_id": str(membership.guild.id)}
        self._tell("GUILD_MEMBER_UPDATE", data, membership.guild)

    # servers

    def create_guild(
        self,
        name: str,
        *,
        owner: User | None = None,
        with_bot: bool = True,
        shard: tuple[int, int] = (0, 1),
    ) -> Guild:
        """Create a server on one (index, count) of the shards; the bot is in it if ``with_bot``."""
        owner = owner or self.create_user(f"owner of {name}"[:32])
        guild = Guild(self.snowflakes.make_on_shard(*shard), name, owner.id)
        guild.roles[guild.id] = Role(guild.id, guild, "@everyone", DEFAULT_EVERYONE, position=0)
        self.guilds[guild.id] = guild
        guild.members[owner.id] = Membership(guild, owner, self.clock.now_iso())
        if with_bot:
            self.add_bot(guild)
        return guild

    def add_bot(self, guild: Guild) -> None:
        """Let the bot join, with its own managed role."""
        role = Role(self.snowflakes.make(), guild, "killfeed", INVITED_BOT_PERMISSIONS, is_managed=True)
        guild.roles[role.id] = role
        guild.bot_id = self.bot_user.id
        guild.members[guild.bot_id] = Membership(guild, self.bot_user, self.clock.now_iso(), [role])
        self.events.announce_guild(guild)
        self.signal.notify()

    def remove_bot(self, guild: Guild) -> None:
        """Remove the bot and its managed role from a server."""
        membership = guild.members.pop(guild.bot.id)
        guild.bot_id = None
        for role in membership.roles:
            if role.is_managed:
                del guild.roles[role.id]
        self._tell("GUILD_DELETE", {"id": str(guild.id)}, guild)

    def set_guild_available(self, guild: Guild, *, is_available: bool) -> None:
        """Let a server fail and come back, as in an outage of a part of Discord."""
        guild.is_available = is_available
        if is_available:
            self.events.announce_guild(guild)
        else:
            self._tell("GUILD_DELETE", {"id": str(guild.id), "unavailable": True}, guild)

    # roles

    def create_role(
        self,
        guild: Guild,
        name: str,
        *,
        permissions: int = 0,
        mentionable: bool = False,
        position: int = 1,
    ) -> Role:
        """Create a role with permissions given as bits."""
        granted = Permission(permissions)
        role = Role(self.snowflakes.make(), guild, name, granted, position, is_mentionable=mentionable)
        guild.roles[role.id] = role
        self._tell("GUILD_ROLE_CREATE", self._role_event(role), guild)
        return role

    def set_role_permissions(self, role: Role, permissions: int) -> None:
        """Change the permissions of a role, as bits."""
        role.permissions = Permission(permissions)
        self._tell("GUILD_ROLE_UPDATE", self._role_event(role), role.guild)

    def move_role(self, role: Role, position: int) -> None:
        """Put a role at a position of the list; a higher number stands above."""
        role.position = position
        self._tell("GUILD_ROLE_UPDATE", self._role_event(role), role.guild)

    def delete_role(self, role: Role) -> None:
        """Delete a role of a server, so its members lose it."""
        del role.guild.roles[role.id]
        for member in role.guild.members.values():
            member.roles = [held for held in member.roles if held is not role]
        data = {"guild_id": str(role.guild.id), "role_id": str(role.id)}
        self._tell("GUILD_ROLE_DELETE", data, role.guild)

    @staticmethod
    def _role_event(role: Role) -> dict[str, Any]:
        return {"guild_id": str(role.guild.id), "role": payloads.role_payload(role)}

    # channels

    def create_channel(
        self,
        guild: Guild,
        name: str,
        *,
        topic: str | None = None,
        kind: ChannelKind = ChannelKind.TEXT,
        category: Channel | None = None,
        overwrites: Mapping[int, Overwrite] | None = None,
    ) -> Channel:
        """Create a channel of a server, with overwrites by the ids of roles and members."""
        channel = Channel(self.snowflakes.make(), guild, name, kind, topic, position=len(guild.channels))
        channel.parent_id = None if category is None else category.id
        channel.overwrites |= overwrites or {}
        guild.channels[channel.id] = channel
        self.channels[channel.id] = channel
        self.announce_channel(channel, "CHANNEL_CREATE")
        return channel

    def direct_messages(self, user: User) -> Channel:
        """Return the channel for direct messages between the bot and a user; create it on first use."""
        for channel in self.channels.values():
            if channel.recipient is user:
                return channel
        channel = Channel(self.snowflakes.make(), None, user.username, ChannelKind.DM, recipient=user)
        self.channels[channel.id] = channel
        return channel

    def rename_channel(self, channel: Channel, name: str) -> None:
        """Give a channel another name; `past_names` keeps the old one."""
        channel.past_names.append(channel.name)
        channel.name = name
        self.announce_channel(channel, "CHANNEL_UPDATE")

    def delete_channel(self, channel: Channel) -> None:
        """Delete a channel of a server."""
        if channel.guild is not None:
            channel.guild.channels.pop(channel.id, None)
        self.channels.pop(channel.id, None)
        self.announce_channel(channel, "CHANNEL_DELETE")

    def set_overwrite(
        self, channel: Channel, target: Role | Membership, *, allow: int = 0, deny: int = 0
    ) -> None:
        """Allow and deny a role or a member something in a channel, as bits."""
        is_member = isinstance(target, Membership)
        channel.overwrites[target.id] = Overwrite(Permission(allow), Permission(deny), is_member=is_member)
        self.announce_channel(channel, "CHANNEL_UPDATE")

    def announce_channel(self, channel: Channel, event: str) -> None:
        """Send a channel's present state to the bot."""
        self._tell(event, payloads.channel_payload(channel), channel.guild)

    # messages

    def watch_messages(self, watch: Callable[[str, Message], None]) -> None:
        """Call back with the event (`MESSAGE_CREATE` …) and the message after each change of a message."""
        self._message_watchers.append(watch)

    async def wait_for_messages(
        self, channel: Channel, count: int, within_seconds: float = PATIENCE_SECONDS
    ) -> list[Message]:
        """Wait until a channel has at least ``count`` public, finished messages, and return them.

        Raises:
            TimeoutError: there were fewer messages until the end of the time.
        """

        def finished() -> list[Message]:
            return [message for message in channel.messages if not message.is_loading]

        what = f"{count} messages in #{channel.name}"
        await self.until(lambda: len(finished()) >= count, within_seconds, what)
        return finished()

    async def until(
        self, condition: Callable[[], bool], within_seconds: float = PATIENCE_SECONDS, what: str = ""
    ) -> None:
        """Wait until a condition on the world is true.

        Raises:
            TimeoutError: it was not true in time.
        """
        await self.signal.until(condition, within_seconds=within_seconds, what=what or "a condition")

    def announce_message(self, message: Message, event: str) -> None:
        """Send a change of a message to the watchers and, unless it is a private reply, to the bot."""
        if not message.is_ephemeral:
            self._tell(event, self._message_event(message, event), message.channel.guild)
        for watch in tuple(self._message_watchers):
            watch(event, message)
        self.signal.notify()

    def announce_bulk_deletion(self, messages: Sequence[Message]) -> None:
        """Send the deletion of several messages of one channel to the bot."""
        channel = messages[0].channel
        data: dict[str, Any] = {
            "ids": [str(message.id) for message in messages],
            "channel_id": str(channel.id),
        }
        if channel.guild is not None:
            data["guild_id"] = str(channel.guild.id)
        self._tell("MESSAGE_DELETE_BULK", data, channel.guild)

    @staticmethod
    def _message_event(message: Message, event: str) -> dict[str, Any]:
        guild = message.channel.guild
        place = {"guild_id": str(guild.id)} if guild else {}
        if event == "MESSAGE_DELETE":
            return {"id": str(message.id), "channel_id": str(message.channel.id)} | place
        data = payloads.message_payload(message, with_nonce=event == "MESSAGE_CREATE") | place
        if guild and (author := guild.members.get(message.author.id)):
            data["member"] = payloads.member_payload(author, with_user=False)
        return data

    def _tell(self, event: str, data: dict[str, Any], guild: Guild | None) -> None:
        self.events.dispatch(event, data, guild=guild)
        self.signal.notify()
