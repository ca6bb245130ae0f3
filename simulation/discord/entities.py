"""The things of the simulated world: users, servers, roles, channels, members and messages.

Everything here is state with small questions about itself; changes that the bot must hear of go through
`World`, which sends the gateway events. Ids are ints here and become strings in the payloads.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from simulation.discord.errors import ImpossibleActionError
from simulation.discord.mentions import NO_PINGS, Pings
from simulation.discord.permissions import (
    ALL_PERMISSIONS,
    Overwrite,
    Permission,
    compute_base,
    compute_in_channel,
)
from simulation.discord.signals import PATIENCE_SECONDS

if TYPE_CHECKING:
    from simulation.discord.interactions import Interaction
    from simulation.discord.world import World

EPHEMERAL = 1 << 6  # message flag: only the invoker sees it
LOADING = 1 << 7  # message flag: "the bot is thinking"
COMPONENTS_V2 = 1 << 15  # message flag: layout by components alone
# what participants of a direct message may do there
DM_PERMISSIONS = ALL_PERMISSIONS


class ChannelKind(IntEnum):
    """Discord's channel types, as far as the world has them."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5


@dataclass(eq=False, slots=True)
class User:
    """An account: a person's, or the bot's own."""

    id: int
    username: str
    global_name: str | None = None
    is_bot: bool = False
    locale: str = "en-US"
    accepts_direct_messages: bool = True

    @property
    def mention(self) -> str:
        """The text that mentions this user."""
        return f"<@{self.id}>"


@dataclass(eq=False, slots=True)
class Role:
    """A role of a server; the one whose id is the server's is @everyone."""

    id: int
    guild: "Guild" = field(repr=False)
    name: str
    permissions: Permission
    position: int = 1
    color: int = 0
    is_mentionable: bool = False
    is_managed: bool = False

    @property
    def mention(self) -> str:
        """The text that mentions this role."""
        return f"<@&{self.id}>"


@dataclass(eq=False, slots=True)
class Member:
    """A user in a server. The methods are what a person does in the Discord client."""

    guild: "Guild" = field(repr=False)
    user: User
    joined_at: str
    roles: list[Role] = field(default_factory=list)
    nick: str | None = None

    @property
    def id(self) -> int:
        """The user's id."""
        return self.user.id

    @property
    def mention(self) -> str:
        """The text that mentions this member."""
        return self.user.mention

    @property
    def base_permissions(self) -> Permission:
        """The guild-wide permissions."""
        roles = [self.guild.everyone, *self.roles]
        return compute_base((role.permissions for role in roles), is_owner=self.guild.owner_id == self.id)

    def permissions_in(self, channel: "Channel") -> Permission:
        """Compute the permissions in a channel of the server."""
        return compute_in_channel(
            self.base_permissions,
            channel.overwrites,
            everyone_id=self.guild.id,
            role_ids=[role.id for role in self.roles],
            member_id=self.id,
        )

    async def invoke(self, channel: "Channel", command: str, /, **options: Any) -> "Interaction":
        """Run a slash command (`"/admin server add"`) and return at once; `reply.wait()` waits for more.

        Options are given by name: text, numbers, booleans, and `User`, `Member`, `Role`, `Channel` objects.

        Raises:
            ImpossibleActionError: Discord's client would not send this (see its subclasses).
        """
        return self.guild.world.people.invoke(self, channel, command, options)

    async def ask(self, channel: "Channel", command: str, /, **options: Any) -> "Interaction":
        """Run a slash command and wait for its final answer (or its modal)."""
        reply = await self.invoke(channel, command, **options)
        return await reply.wait()

    async def autocomplete(
        self, channel: "Channel", command: str, option: str, typed: str, /, **others: Any
    ) -> list[dict[str, Any]]:
        """Type into an option and return the choices the bot offers (`name` and `value` each)."""
        return await self.guild.world.people.autocomplete(self, channel, command, option, typed, others)

    async def say(self, channel: "Channel", content: str) -> "Message":
        """Write a message into a channel as this person."""
        return self.guild.world.people.say(self, channel, content)

    def visible_messages(self, channel: "Channel") -> list["Message"]:
        """Return what this person sees in the channel, private replies to them included, oldest first."""
        if Permission.VIEW_CHANNEL not in self.permissions_in(channel):
            return []
        return [message for message in channel.all_messages if message.is_visible_to(self.user)]


@dataclass(eq=False, slots=True)
class Attachment:
    """A file of a message, with its bytes."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str
    url: str
    description: str | None = None


@dataclass(eq=False, slots=True)
class Message:
    """A message with everything that a reader or a test asks about it."""

    id: int
    channel: "Channel" = field(repr=False)
    author: User
    created_at: str
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    kind: int = 0
    nonce: str | int | None = None
    edited_at: str | None = None
    reference: dict[str, Any] | None = None
    interaction: "Interaction | None" = field(default=None, repr=False)
    pings: Pings = NO_PINGS
    edits: list[dict[str, Any]] = field(default_factory=list)
    is_deleted: bool = False

    @property
    def is_ephemeral(self) -> bool:
        """Whether only the person it answers sees it."""
        return bool(self.flags & EPHEMERAL)

    @property
    def is_loading(self) -> bool:
        """Whether it still says that the bot is thinking."""
        return bool(self.flags & LOADING)

    @property
    def embed(self) -> dict[str, Any]:
        """The only embed.

        Raises:
            LookupError: the message has none or several.
        """
        if len(self.embeds) != 1:
            raise LookupError(f"the message has {len(self.embeds)} embeds, not one")
        return self.embeds[0]

    @property
    def interactive_components(self) -> list[dict[str, Any]]:
        """All buttons and selects, at any depth, in order."""
        return [item for item in walk_components(self.components) if item.get("type") in _INTERACTIVE]

    def is_visible_to(self, user: User) -> bool:
        """Whether a user who sees the channel sees this message."""
        if not self.is_ephemeral or self.interaction is None:
            return True
        return self.interaction.user is user

    async def click(self, member: Member, button: str) -> "Interaction":
        """Press a button, named by its label or custom_id.

        Raises:
            ImpossibleActionError: there is no such button, it is disabled, or this person does not see it.
        """
        return self.channel.world.people.press(self, member, button, values=())

    async def select(self, member: Member, menu: str, *values: str) -> "Interaction":
        """Choose values (or their labels) in a select menu, named by placeholder or custom_id."""
        return self.channel.world.people.press(self, member, menu, values=values)


_INTERACTIVE = frozenset({2, 3, 5, 6, 7, 8})  # button, string, user, role, mentionable, channel select


def walk_components(components: Iterable[dict[str, Any]]) -> Iterable[dict[str, Any]]:
    """Yield every component at any depth, containers before their content."""
    for component in components:
        yield component
        yield from walk_components(component.get("components", ()))
        if accessory := component.get("accessory") or component.get("component"):
            yield from walk_components((accessory,))


@dataclass(eq=False, slots=True)
class Channel:
    """A text channel of a server, or a direct message with the bot."""

    world: "World" = field(repr=False)
    id: int
    guild: "Guild | None" = field(repr=False)
    name: str
    kind: ChannelKind = ChannelKind.TEXT
    topic: str | None = None
    position: int = 0
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    recipient: User | None = None
    parent_id: int | None = None
    messages_by_id: dict[int, Message] = field(default_factory=dict, repr=False)
    past_names: list[str] = field(default_factory=list)
    last_message_id: int | None = None

    @property
    def mention(self) -> str:
        """The text that links to this channel."""
        return f"<#{self.id}>"

    @property
    def all_messages(self) -> list[Message]:
        """Every message that is not deleted, private replies included, oldest first."""
        return list(self.messages_by_id.values())

    @property
    def messages(self) -> list[Message]:
        """The public messages, oldest first."""
        return [message for message in self.messages_by_id.values() if not message.is_ephemeral]

    async def wait_for_messages(self, count: int, within_seconds: float = PATIENCE_SECONDS) -> list[Message]:
        """Wait until the channel holds at least that many public, finished messages, and return them.

        Raises:
            TimeoutError: it did not.
        """

        def finished() -> list[Message]:
            return [message for message in self.messages if not message.is_loading]

        await self.world.signal.until(
            lambda: len(finished()) >= count,
            within_seconds=within_seconds,
            what=f"{count} messages in #{self.name}",
        )
        return finished()

    def set_overwrite(self, target: Role | Member, *, allow: int = 0, deny: int = 0) -> None:
        """Allow and deny a role or a member something in this channel (a server manager does it)."""
        self.overwrites[target.id] = Overwrite(
            Permission(allow), Permission(deny), is_member=isinstance(target, Member)
        )
        self.world.announce_channel(self, "CHANNEL_UPDATE")

    def rename(self, name: str) -> None:
        """Give the channel another name (a server manager does it)."""
        self.world.rename_channel(self, name)

    def delete(self) -> None:
        """Delete the channel (a server manager does it)."""
        self.world.delete_channel(self)


@dataclass(eq=False, slots=True)
class Guild:
    """A server with its people, roles and channels."""

    world: "World" = field(repr=False)
    id: int
    name: str
    owner_id: int
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict, repr=False)
    channels: dict[int, Channel] = field(default_factory=dict, repr=False)
    members: dict[int, Member] = field(default_factory=dict, repr=False)
    is_available: bool = True

    @property
    def everyone(self) -> Role:
        """The @everyone role."""
        return self.roles[self.id]

    @property
    def owner(self) -> Member:
        """The member who owns the server."""
        return self.members[self.owner_id]

    @property
    def bot(self) -> Member:
        """The bot as a member.

        Raises:
            ImpossibleActionError: the bot is not in this server.
        """
        member = self.members.get(self.world.bot_user.id)
        if member is None:
            raise ImpossibleActionError(f"the bot is not in {self.name}")
        return member

    @property
    def has_bot(self) -> bool:
        """Whether the bot is in this server."""
        return self.world.bot_user.id in self.members

    def create_text_channel(
        self, name: str, *, topic: str | None = None, kind: ChannelKind = ChannelKind.TEXT
    ) -> Channel:
        """Create a channel (a server manager does it)."""
        return self.world.create_channel(self, name, topic=topic, kind=kind)

    def create_role(
        self, name: str, *, permissions: int = 0, mentionable: bool = False, position: int = 1
    ) -> Role:
        """Create a role with permissions given as bits."""
        return self.world.create_role(
            self, name, permissions=Permission(permissions), is_mentionable=mentionable, position=position
        )

    def add_member(
        self, person: str | User, *, roles: Sequence[Role] = (), nick: str | None = None
    ) -> Member:
        """Let a user join; a text makes a new user of that name."""
        user = self.world.create_user(person) if isinstance(person, str) else person
        return self.world.add_member(self, user, roles=roles, nick=nick)

    def remove_member(self, member: Member) -> None:
        """Let a member leave."""
        self.world.remove_member(member)

    def set_roles(self, member: Member, *roles: Role) -> None:
        """Give a member exactly these roles."""
        self.world.set_roles(member, roles)

    def delete_role(self, role: Role) -> None:
        """Delete a role; members and channels lose it."""
        self.world.delete_role(role)

    def set_role_permissions(self, role: Role, permissions: int) -> None:
        """Change what a role may do, as bits."""
        self.world.set_role_permissions(role, permissions)

    def set_available(self, *, is_available: bool) -> None:
        """Let the server fail and come back, as in an outage of a part of Discord."""
        self.world.set_guild_available(self, is_available=is_available)

    def add_bot(self) -> Member:
        """Invite the bot into this server."""
        return self.world.add_bot(self)

    def remove_bot(self) -> None:
        """Throw the bot out of this server."""
        self.world.remove_bot(self)

    def channel_named(self, name: str) -> Channel:
        """Return the first channel of that name.

        Raises:
            LookupError: there is none.
        """
        for channel in self.channels.values():
            if channel.name == name:
                return channel
        raise LookupError(f"no channel named {name} in {self.name}")
