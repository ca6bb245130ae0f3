"""Answers the bot's requests about interactions: callback, follow-ups, edits, deletions.

Theory of operation
    An action of a person makes an `Interaction`, which the bot gets over the gateway. Its callback moves the
    interaction from *waiting* to *acknowledged* exactly once and within three seconds. From then on its token
    serves as a webhook for fifteen minutes. A deferred reply (types 5 and 6) is filled by an edit of
    `@original`, type 5 also by the first follow-up; the deferral decides who sees the reply, and no edit
    changes that.
"""

from collections.abc import Mapping
from typing import Any

from simulation.discord.entities import EPHEMERAL, InteractionKind, Message
from simulation.discord.errors import ApiError, ErrorCode
from simulation.discord.interactions import CallbackKind, InteractionRecord, Modal
from simulation.discord.messages import Body, Files, MessageBoard
from simulation.discord.validation.commands import MAX_CHOICES, check_choice
from simulation.discord.validation.components import check_modal
from simulation.discord.validation.form import FormErrors
from simulation.discord.world import World

ACKNOWLEDGE_WITHIN_SECONDS = 3.0
TOKEN_LIFETIME_SECONDS = 15 * 60.0

_WITH_MESSAGE = (CallbackKind.MESSAGE, CallbackKind.DEFERRED_MESSAGE)
_WITH_UPDATE = (CallbackKind.DEFERRED_UPDATE, CallbackKind.UPDATE)
ALLOWED_CALLBACKS: Mapping[InteractionKind, tuple[CallbackKind, ...]] = {
    InteractionKind.COMMAND: (*_WITH_MESSAGE, CallbackKind.MODAL),
    InteractionKind.COMPONENT: (*_WITH_MESSAGE, *_WITH_UPDATE, CallbackKind.MODAL),
    InteractionKind.AUTOCOMPLETE: (CallbackKind.CHOICES,),
    InteractionKind.MODAL_SUBMIT: (*_WITH_MESSAGE, *_WITH_UPDATE),
}


class InteractionDesk:
    """Keeps all interactions and answers the bot's requests about them.

    Args:
        world: the world with the channels and people.
        board: the board on which answers are written.
        acknowledge_within_seconds: the time for the first answer.
    """

    def __init__(self, world: World, board: MessageBoard, acknowledge_within_seconds: float) -> None:
        self.world = world
        self.acknowledge_within_seconds = acknowledge_within_seconds
        self._board = board
        self._by_token: dict[str, InteractionRecord] = {}

    @property
    def interactions(self) -> list[InteractionRecord]:
        """All interactions, oldest first."""
        return list(self._by_token.values())

    def add(self, interaction: InteractionRecord) -> None:
        """Add a new interaction, which the bot may answer from now on."""
        self._by_token[interaction.token] = interaction

    def is_too_late(self, interaction: InteractionRecord) -> bool:
        """Whether the time for a first answer is over."""
        return self.count_seconds_left(interaction) < 0

    def count_seconds_left(self, interaction: InteractionRecord) -> float:
        """Return how much of the time for a first answer is left."""
        return self.acknowledge_within_seconds - (self.world.clock.live() - interaction.opened_after)

    # the callback

    def acknowledge(self, interaction_id: str, token: str, body: Body, files: Files) -> InteractionRecord:
        """Take the bot's first answer.

        Raises:
            ApiError: 10062 unknown or too late, 40060 second answer, 50035 wrong type or body.
        """
        interaction = self._by_token.get(token)
        if interaction is None or str(interaction.id) != interaction_id:
            raise ApiError(ErrorCode.UNKNOWN_INTERACTION)
        try:
            self._acknowledge(interaction, body, files)
        except ApiError as refusal:
            interaction.refusals.append(refusal)
            raise
        finally:
            self.world.signal.notify()
        return interaction

    def _acknowledge(self, interaction: InteractionRecord, body: Body, files: Files) -> None:
        if interaction.is_acknowledged:
            raise ApiError(ErrorCode.ALREADY_ACKNOWLEDGED)
        if self.is_too_late(interaction):
            raise ApiError(ErrorCode.UNKNOWN_INTERACTION)
        errors = FormErrors()
        errors.check_choice(("type",), body.get("type"), ALLOWED_CALLBACKS[interaction.kind])
        data = errors.check_object(("data",), body.get("data") or {}) or {}
        errors.raise_if_any()
        kind = CallbackKind(body["type"])
        if kind in _WITH_UPDATE and interaction.source is None:
            errors.add(("type",), "BASE_TYPE_CHOICES", "There is no message to update.")
            errors.raise_if_any()
        self._carry_out(interaction, kind, data, files)
        interaction.callback_kind = kind
        interaction.callback_payload = dict(body)
        interaction.acknowledged_after_seconds = self.world.clock.live() - interaction.opened_after

    def _carry_out(
        self, interaction: InteractionRecord, kind: CallbackKind, data: dict[str, Any], files: Files
    ) -> None:
        is_private = _is_private(data)
        match kind:
            case CallbackKind.MESSAGE:
                interaction.original = self._write(interaction, data, files, is_ephemeral=is_private, kind=20)
            case CallbackKind.DEFERRED_MESSAGE:
                interaction.original = self._board.create_loading(
                    interaction.channel, interaction, is_ephemeral=is_private
                )
            case CallbackKind.DEFERRED_UPDATE:
                interaction.original = interaction.source
            case CallbackKind.UPDATE:
                interaction.original = interaction.source
                self._change(interaction, self._living_source(interaction), data, files)
            case CallbackKind.CHOICES:
                interaction.choices = self._check_choices(interaction, data)
            case CallbackKind.MODAL:
                errors = FormErrors()
                check_modal(errors, data)
                errors.raise_if_any()
                interaction.modal = Modal(data["title"], data["custom_id"], list(data["components"]))

    @staticmethod
    def _living_source(interaction: InteractionRecord) -> Message:
        if interaction.source is None or interaction.source.is_deleted:
            raise ApiError(ErrorCode.UNKNOWN_MESSAGE)
        return interaction.source

    @staticmethod
    def _check_choices(interaction: InteractionRecord, data: dict[str, Any]) -> list[dict[str, Any]]:
        errors = FormErrors()
        focused = _focused_option(interaction.payload["data"].get("options") or ())
        choices = errors.check_list(("data", "choices"), data.get("choices"), most=MAX_CHOICES)
        for index, choice in enumerate(choices):
            path = ("data", "choices", index)
            content = errors.check_object(path, choice)
            if content is not None:
                check_choice(errors, path, content, focused["type"])
        errors.raise_if_any()
        return list(choices)

    # the webhook of the token

    def by_token(self, token: str) -> InteractionRecord:
        """Return the acknowledged interaction of a live token.

        Raises:
            ApiError: 10015 unknown or not acknowledged yet, 50027 expired.
        """
        interaction = self._by_token.get(token)
        if interaction is None or not interaction.is_acknowledged:
            raise ApiError(ErrorCode.UNKNOWN_WEBHOOK)
        if self.world.clock.now() - interaction.sent_at > TOKEN_LIFETIME_SECONDS:
            raise ApiError(ErrorCode.INVALID_WEBHOOK_TOKEN)
        return interaction

    def message_of(self, interaction: InteractionRecord, message_id: str) -> Message:
        """Return `@original` or a follow-up.

        Raises:
            ApiError: 10008.
        """
        candidates = [interaction.original, *interaction.followups]
        if message_id == "@original":
            candidates = [interaction.original]
        for message in candidates:
            if message is None or message.is_deleted:
                continue
            if message_id in ("@original", str(message.id)):
                return message
        raise ApiError(ErrorCode.UNKNOWN_MESSAGE)

    def follow_up(self, interaction: InteractionRecord, body: Body, files: Files) -> Message:
        """Write a follow-up; the first one after a deferred reply fills that reply instead."""
        original = interaction.original
        if original is not None and original.is_loading and not original.is_deleted:
            return self._change(interaction, original, body, files)
        message = self._write(interaction, body, files, is_ephemeral=_is_private(body), kind=0)
        interaction.followups.append(message)
        self.world.signal.notify()
        return message

    def edit(self, interaction: InteractionRecord, message_id: str, body: Body, files: Files) -> Message:
        """Edit `@original` or a follow-up."""
        return self._change(interaction, self.message_of(interaction, message_id), body, files)

    def delete(self, interaction: InteractionRecord, message_id: str) -> None:
        """Delete `@original` or a follow-up."""
        message = self.message_of(interaction, message_id)
        if message is interaction.original:
            interaction.original_was_deleted = True
        self._board.delete(message)

    def _write(
        self, interaction: InteractionRecord, body: Body, files: Files, *, is_ephemeral: bool, kind: int
    ) -> Message:
        return self._board.create(
            interaction.channel,
            self.world.bot_user,
            body,
            files,
            interaction=interaction,
            is_ephemeral=is_ephemeral,
            kind=kind,
        )

    def _change(self, interaction: InteractionRecord, message: Message, body: Body, files: Files) -> Message:
        edited = self._board.edit(message, body, files)
        interaction.edits.append(dict(body))
        self.world.signal.notify()
        return edited


def _is_private(body: Body) -> bool:
    """Whether a body asks for a private message.

    A flag of a wrong type is refused when the message is written.
    """
    flags = body.get("flags")
    return isinstance(flags, int) and bool(flags & EPHEMERAL)


def _focused_option(options: Any) -> dict[str, Any]:
    """Return the option that the person is typing into, at any depth."""
    for option in options:
        if option.get("focused"):
            return dict(option)
        if found := _focused_option(option.get("options") or ()):
            return found
    return {}
