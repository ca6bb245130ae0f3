"""Writing, editing and deleting messages, with attachments, nonces and pings."""

import itertools
import mimetypes
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from simulation.discord.entities import (
    EPHEMERAL,
    LOADING,
    Attachment,
    Channel,
    InteractionStart,
    Message,
    User,
)
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.mentions import Pings, compute_pings
from simulation.discord.permissions import Permission
from simulation.discord.requests import UploadedFile
from simulation.discord.validation.form import FormErrors
from simulation.discord.validation.messages import MAX_ATTACHMENTS, check_message, check_not_empty
from simulation.discord.world import World

# "the past few minutes" of Discord's documentation
NONCE_MEMORY_SECONDS = 180.0
SETTABLE_FLAGS = (1 << 2) | (1 << 12) | (1 << 15)  # suppress embeds, silent, components version 2
_PLACES_OF_PICTURES = (("image", "url"), ("thumbnail", "url"), ("footer", "icon_url"), ("author", "icon_url"))
Files = Mapping[int, UploadedFile]
Body = Mapping[str, Any]


class MessageBoard:
    """Writes, edits and deletes every message of the world.

    Args:
        world: the world with the messages.
        nonce_memory_seconds: the time in which a nonce with `enforce_nonce` returns its first message.

    Attributes:
        attachment_base_url: the base address of files for download; empty until the server has a port.
    """

    def __init__(self, world: World, nonce_memory_seconds: float) -> None:
        self._world = world
        self.attachment_base_url = ""
        self._nonce_memory_seconds = nonce_memory_seconds
        self._nonces: dict[tuple[int, int, str], tuple[float, Message]] = {}

    def find_by_nonce(self, channel: Channel, author: User, nonce: object) -> Message | None:
        """Return the message that this author lately wrote here with this nonce."""
        known = self._nonces.get((channel.id, author.id, str(nonce)))
        if known is None or known[0] < self._world.clock.now() - self._nonce_memory_seconds:
            return None
        return known[1]

    def create(
        self,
        channel: Channel,
        author: User,
        body: Body,
        files: Files,
        *,
        interaction: InteractionStart | None = None,
        is_ephemeral: bool = False,
        kind: int = 0,
    ) -> Message:
        """Check and write a message.

        Raises:
            ApiError: 50035 or 50006.
        """
        message = Message(
            self._world.snowflakes.make(), channel, author, self._world.clock.now_iso(), kind=kind
        )
        message.interaction = interaction
        self._check(body, files, kept=())
        check_not_empty(body, len(files))
        message.flags = _settable(body) | (EPHEMERAL if is_ephemeral else 0)
        message.nonce = body.get("nonce")
        self._reference(message, body)
        self._fill(message, body, files)
        if message.nonce is not None:
            key = (channel.id, author.id, str(message.nonce))
            self._nonces[key] = (self._world.clock.now(), message)
        self._store(message)
        return message

    def create_loading(
        self, channel: Channel, interaction: InteractionStart, *, is_ephemeral: bool
    ) -> Message:
        """Write the "is thinking" message of a deferred reply."""
        message = Message(
            self._world.snowflakes.make(), channel, self._world.bot_user, self._world.clock.now_iso(), kind=20
        )
        message.flags = LOADING | (EPHEMERAL if is_ephemeral else 0)
        message.interaction = interaction
        self._store(message)
        return message

    def edit(self, message: Message, body: Body, files: Files) -> Message:
        """Check and change a message; fields that the body does not name stay.

        A thinking message is finished.

        Raises:
            ApiError: 50035 or 50006.
        """
        kept = self._kept_attachments(message, body)
        self._check(body, files, kept=[attachment.filename for attachment in kept])
        check_not_empty(_after_edit(message, body), len(kept) + len(files))
        message.edits.append(dict(body))
        was_loading = message.is_loading
        message.flags = (message.flags & ~(LOADING | SETTABLE_FLAGS)) | (
            _settable(body) if "flags" in body else message.flags & SETTABLE_FLAGS
        )
        message.attachments = kept
        self._fill(message, body, files)
        if not was_loading:
            message.edited_at = self._world.clock.now_iso()
        self._world.announce_message(message, "MESSAGE_UPDATE")
        return message

    def delete(self, message: Message) -> None:
        """Delete a message."""
        message.channel.messages_by_id.pop(message.id, None)
        message.is_deleted = True
        self._world.announce_message(message, "MESSAGE_DELETE")

    def delete_together(self, messages: Sequence[Message]) -> None:
        """Delete several messages with one event."""
        for message in messages:
            message.channel.messages_by_id.pop(message.id, None)
            message.is_deleted = True
        if messages:
            self._world.announce_bulk_deletion(messages)

    def _store(self, message: Message) -> None:
        channel = message.channel
        channel.messages_by_id[message.id] = message
        channel.last_message_id = message.id
        self._world.announce_message(message, "MESSAGE_CREATE")

    @staticmethod
    def _check(body: Body, files: Files, kept: list[str] | tuple[str, ...]) -> None:
        errors = FormErrors()
        names = {*kept, *(file.filename for file in files.values())}
        check_message(body, names, errors)
        listed = errors.check_list(("attachments",), body.get("attachments"), most=MAX_ATTACHMENTS)
        if len(files) > MAX_ATTACHMENTS:
            errors.add(("files",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_ATTACHMENTS} or fewer in length.")
        for index, entry in enumerate(listed):
            content = errors.check_object(("attachments", index), entry) or {}
            errors.check_text(("attachments", index, "description"), content.get("description"), most=1024)
        errors.raise_if_any()

    @staticmethod
    def _kept_attachments(message: Message, body: Body) -> list[Attachment]:
        """Return the attachments that remain after an edit: all, or those that its list names by id."""
        if body.get("attachments") is None:
            return list(message.attachments)
        ids = {str(entry.get("id")) for entry in body["attachments"] if isinstance(entry, dict)}
        return [attachment for attachment in message.attachments if str(attachment.id) in ids]

    def _fill(self, message: Message, body: Body, files: Files) -> None:
        described = {
            str(entry.get("id")): entry.get("description") for entry in body.get("attachments") or ()
        }
        for index, file in sorted(files.items()):
            attachment = self._attach(message.channel, file)
            attachment.description = described.get(str(index))
            message.attachments.append(attachment)
        if "content" in body:
            message.content = (body["content"] or "").strip()  # Discord trims it
        if "embeds" in body:
            message.embeds = [self._show_embed(embed, message) for embed in body["embeds"] or ()]
        if "components" in body:
            message.components = _numbered(body["components"] or ())
        if "content" in body or "allowed_mentions" in body:
            message.pings = self._pings(message, body)
            known = sorted(message.pings.users & self._world.users.keys())
            message.mentions = [self._world.users[user_id] for user_id in known]

    def _attach(self, channel: Channel, file: UploadedFile) -> Attachment:
        attachment_id = self._world.snowflakes.make()
        kind = mimetypes.guess_type(file.filename)[0] or file.content_type
        url = f"{self.attachment_base_url}/{channel.id}/{attachment_id}/{file.filename}"
        return Attachment(attachment_id, file.filename, file.data, kind, url)

    @staticmethod
    def _show_embed(embed: Body, message: Message) -> dict[str, Any]:
        """Return an embed as Discord returns it, of type rich and with real addresses of its pictures."""
        urls = {f"attachment://{item.filename}": item.url for item in message.attachments}
        shown = {"type": "rich", **{key: value for key, value in embed.items() if value is not None}}
        for part, key in _PLACES_OF_PICTURES:
            if (address := (shown.get(part) or {}).get(key)) in urls:
                shown[part] = {**shown[part], key: urls[address]}
        return shown

    def _reference(self, message: Message, body: Body) -> None:
        reference = body.get("message_reference")
        if not reference:
            return
        channel_id = str(reference.get("channel_id") or message.channel.id)
        referenced = message.channel.messages_by_id.get(int(reference["message_id"]))
        if referenced is None and reference.get("fail_if_not_exists", True):
            errors = FormErrors()
            errors.add(("message_reference",), "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            errors.raise_if_any()
        message.kind = 19
        message.reference = {"channel_id": channel_id, "message_id": str(reference["message_id"]), "type": 0}

    def _pings(self, message: Message, body: Body) -> Pings:
        guild = message.channel.guild
        replied = None
        if message.reference is not None:
            first = message.channel.messages_by_id.get(int(message.reference["message_id"]))
            replied = first.author.id if first else None
        pings = compute_pings(
            message.content,
            body.get("allowed_mentions"),
            mentionable_roles=frozenset(
                role.id for role in (guild.roles.values() if guild else ()) if role.is_mentionable
            ),
            may_mention_everyone=self._may_mention_everyone(message.channel, message.author),
            replied_user_id=replied,
        )
        if message.is_ephemeral and message.interaction is not None:
            return Pings(users=pings.users & {message.interaction.user.id})
        return pings

    @staticmethod
    def _may_mention_everyone(channel: Channel, author: User) -> bool:
        member = channel.guild.members.get(author.id) if channel.guild else None
        return member is not None and Permission.MENTION_EVERYONE in member.permissions_in(channel)


def _numbered(components: Iterable[Body]) -> list[dict[str, Any]]:
    """Return components with the ids that Discord gives to those that came without."""
    numbers = itertools.count(1)

    def number(component: Body) -> dict[str, Any]:
        numbered = {**component, "id": component.get("id") or next(numbers)}
        if "components" in component:
            numbered["components"] = [number(inner) for inner in component["components"]]
        return numbered

    return [number(component) for component in components]


def _settable(body: Body) -> int:
    return int(body.get("flags") or 0) & SETTABLE_FLAGS


def _after_edit(message: Message, body: Body) -> dict[str, Any]:
    """Return the message's content, embeds and components after the edit."""
    before = {"content": message.content, "embeds": message.embeds, "components": message.components}
    return {**before, **body}


def get_message(channel: Channel, message_id: str) -> Message:
    """Return a public message.

    Raises:
        ApiError: 10008 if there is no such message, or it is a private reply.
    """
    message = channel.messages_by_id.get(int(message_id)) if message_id.isdecimal() else None
    if message is None or message.is_ephemeral:
        raise ApiError(ErrorCode.UNKNOWN_MESSAGE)
    return message
