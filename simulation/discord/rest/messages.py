"""Messages of a channel."""

from simulation.discord.entities import Channel, Message, User
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.messages import MessageBoard, get_message
from simulation.discord.payloads import message_payload
from simulation.discord.permissions import Permission
from simulation.discord.ratelimits import MESSAGE_LIMIT
from simulation.discord.rest.call import NO_CONTENT, Answer, Call, Endpoint
from simulation.discord.snowflakes import created_at
from simulation.discord.validation.form import FormErrors
from simulation.discord.world import World

BULK_DELETE_AGE_SECONDS = 14 * 24 * 3600
_ROUTE = "/channels/{channel_id}/messages"


class MessageRoutes:
    """Handlers of /channels/{channel_id}/messages."""

    def __init__(self, board: MessageBoard) -> None:
        self._board = board

    def endpoints(self) -> list[Endpoint]:
        """Return the routes."""
        one = _ROUTE + "/{message_id}"
        return [
            Endpoint("POST", _ROUTE, self.create_message, MESSAGE_LIMIT),
            Endpoint("GET", _ROUTE, self.list_messages),
            Endpoint("POST", _ROUTE + "/bulk-delete", self.delete_messages),
            Endpoint("GET", one, self.get_message),
            Endpoint("PATCH", one, self.edit_message, MESSAGE_LIMIT),
            Endpoint("DELETE", one, self.delete_message, MESSAGE_LIMIT),
        ]

    async def create_message(self, call: Call) -> Answer:
        """Write a message; with `enforce_nonce` a known nonce returns the first message instead."""
        channel = call.channel(Permission.SEND_MESSAGES, *_needed_for(call))
        if channel.recipient is not None and not _is_reachable(call.world, channel.recipient):
            raise ApiError(ErrorCode.CANNOT_MESSAGE_USER)
        body, author = call.body, call.world.bot_user
        if body.get("enforce_nonce") and body.get("nonce") is not None:
            first = self._board.find_by_nonce(channel, author, body["nonce"])
            if first is not None:
                return Answer(body=message_payload(first, with_nonce=True))
        message = self._board.create(channel, author, body, call.files)
        return Answer(body=message_payload(message, with_nonce=True))

    async def list_messages(self, call: Call) -> Answer:
        """Return messages, newest first; an empty list without the right to read the history."""
        channel = call.channel()
        if channel.guild and Permission.READ_MESSAGE_HISTORY not in channel.guild.bot.permissions_in(channel):
            return Answer(body=[])
        return Answer(body=[message_payload(message) for message in _page(channel, call)])

    async def get_message(self, call: Call) -> Answer:
        """Return one message."""
        channel = call.channel(Permission.READ_MESSAGE_HISTORY)
        return Answer(body=message_payload(get_message(channel, call.parameter("message_id"))))

    async def edit_message(self, call: Call) -> Answer:
        """Change a message of the bot's own."""
        message = get_message(call.channel(), call.parameter("message_id"))
        if message.author is not call.world.bot_user:
            raise ApiError(ErrorCode.CANNOT_EDIT_OTHERS)
        return Answer(body=message_payload(self._board.edit(message, call.body, call.files)))

    async def delete_message(self, call: Call) -> Answer:
        """Delete a message; for a message of another author the bot needs Manage Messages."""
        message = get_message(call.channel(), call.parameter("message_id"))
        if message.author is not call.world.bot_user:
            call.channel(Permission.MANAGE_MESSAGES)
        self._board.delete(message)
        return NO_CONTENT

    async def delete_messages(self, call: Call) -> Answer:
        """Delete 2 to 100 messages of the last two weeks."""
        channel = call.channel(Permission.MANAGE_MESSAGES)
        errors = FormErrors()
        listed = errors.check_list(("messages",), call.body.get("messages"), most=1000)
        for index, message_id in enumerate(listed):
            errors.check_id(("messages", index), message_id)
        errors.raise_if_any()
        ids = [int(message_id) for message_id in listed]
        if not 2 <= len(ids) <= 100:
            raise ApiError(ErrorCode.TOO_FEW_OR_MANY_MESSAGES)
        oldest = call.world.clock.now() - BULK_DELETE_AGE_SECONDS
        if any(created_at(message_id) < oldest for message_id in ids):
            raise ApiError(ErrorCode.MESSAGES_TOO_OLD)
        messages = (channel.messages_by_id.get(message_id) for message_id in ids)
        self._board.delete_together([message for message in messages if message is not None])
        return NO_CONTENT


def _is_reachable(world: World, user: User) -> bool:
    """Whether the bot may write to a user directly: they share a server, and the user accepts that."""
    shares = any(user.id in guild.members for guild in world.guilds.values() if guild.has_bot)
    return shares and user.accepts_direct_messages


def _needed_for(call: Call) -> list[Permission]:
    """Return the permissions that the parts of a new message need. Embeds of a bot need Embed Links."""
    needed = []
    if call.body.get("embeds"):
        needed.append(Permission.EMBED_LINKS)
    if call.files:
        needed.append(Permission.ATTACH_FILES)
    if call.body.get("message_reference"):
        needed.append(Permission.READ_MESSAGE_HISTORY)
    return needed


def _page(channel: Channel, call: Call) -> list[Message]:
    query = call.request.query
    errors = FormErrors()
    limit_text = query.get("limit", "50")
    limit = int(limit_text) if limit_text.lstrip("-").isdecimal() else 0
    errors.check_whole(("limit",), limit, least=1, most=100)
    for key in ("before", "after", "around"):
        if key in query and not query[key].isdecimal():
            errors.add((key,), "NUMBER_TYPE_COERCE", f'Value "{query[key]}" is not snowflake.')
    errors.raise_if_any()
    return choose_page(
        channel.messages, limit=limit, marks={k: int(v) for k, v in query.items() if k != "limit"}
    )


def choose_page(messages: list[Message], *, limit: int, marks: dict[str, int]) -> list[Message]:
    """Return a page of messages (given oldest first), newest first.

    Args:
        messages: all messages of the channel.
        limit: the maximum number of messages.
        marks: at most one of `before`, `after`, `around` with a message id.
    """
    if "around" in marks:
        older = [message for message in messages if message.id <= marks["around"]][-(limit // 2 + 1) :]
        newer = [message for message in messages if message.id > marks["around"]][: (limit - 1) // 2]
        page = [*older, *newer][:limit]
    elif "after" in marks:
        page = [message for message in messages if message.id > marks["after"]][:limit]
    elif "before" in marks:
        page = [message for message in messages if message.id < marks["before"]][-limit:]
    else:
        page = messages[-limit:]
    return page[::-1]
