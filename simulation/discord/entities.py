"""The things of the simulated world: users, servers, roles, channels, members and messages.

Everything here is plain data with simple properties. `World` changes it and sends events to the bot; people
act through `Member` in client.py. Ids are ints here and become strings in the payloads.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from simulation.discord.errors import ImpossibleActionError
from simulation.discord.mentions import NO_PINGS, Pings
from simulation.discord.permissions import (
    ALL_PERMISSIONS,
    Overwrite,
    Permission,
    compute_base,
    compute_in_channel,
)

EPHEMERAL = 1 << 6  # message flag: only the invoker sees it
LOADING = 1 << 7  # message flag: "the bot is thinking"
COMPONENTS_V2 = 1 << 15  # message flag: layout by components alone
# what participants of a direct message may do there
DM_PERMISSIONS = ALL_PERMISSIONS
_INTERACTIVE = frozenset({2, 3, 5, 6, 7, 8})  # button, string, user, role, mentionable, channel select


class ChannelKind(IntEnum):
    """Discord's channel types, as far as the world has them."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    ANNOUNCEMENT = 5


class InteractionKind(IntEnum):
    """Discord's interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


@dataclass(eq=False, slots=True)
class User:
    """An account of a person or of the bot."""

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
    """A role of a server; the role with the server's own id is @everyone."""

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
class Membership:
    """A user in a server."""

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
            is_voice=channel.kind is ChannelKind.VOICE,
        )


@dataclass(eq=False, slots=True)
class Attachment:
    """A file of a message, with its bytes."""

    id: int
    filename: str
    data: bytes = field(repr=False)
    content_type: str
    url: str
    description: str | None = None


@dataclass(eq=False, kw_only=True)
class InteractionStart:
    """The user, channel, and message or form that started an interaction."""

    id: int
    kind: InteractionKind
    user: User
    channel: "Channel"
    source: "Message | None" = None  # the message whose component was used
    # the interaction that opened the form
    parent: "InteractionStart | None" = field(default=None, repr=False)


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
    interaction: InteractionStart | None = field(default=None, repr=False)
    pings: Pings = NO_PINGS
    mentions: list[User] = field(default_factory=list)
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
            LookupError: the message has no embed or several.
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
        return not self.is_ephemeral or self.interaction is None or self.interaction.user is user


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


@dataclass(eq=False, slots=True)
class Guild:
    """A server with its people, roles and channels."""

    id: int
    name: str
    owner_id: int
    locale: str = "en-US"
    roles: dict[int, Role] = field(default_factory=dict, repr=False)
    channels: dict[int, Channel] = field(default_factory=dict, repr=False)
    members: dict[int, Membership] = field(default_factory=dict, repr=False)
    bot_id: int | None = None
    is_available: bool = True
    system_channel_id: int | None = None
    updates_channel_id: int | None = None  # the channel of a community for news of Discord

    @property
    def everyone(self) -> Role:
        """The @everyone role."""
        return self.roles[self.id]

    @property
    def owner(self) -> Membership:
        """The member who owns the server."""
        return self.members[self.owner_id]

    @property
    def bot(self) -> Membership:
        """The bot as a member.

        Raises:
            ImpossibleActionError: the bot is not in this server.
        """
        if self.bot_id is None:
            raise ImpossibleActionError(f"the bot is not in {self.name}")
        return self.members[self.bot_id]

    @property
    def has_bot(self) -> bool:
        """Whether the bot is in this server."""
        return self.bot_id is not None

    def channel_named(self, name: str) -> Channel:
        """Return the first channel of that name.

        Raises:
            LookupError: there is no such channel.
        """
        for channel in self.channels.values():
            if channel.name == name:
                return channel
        raise LookupError(f"no channel named {name} in {self.name}")
