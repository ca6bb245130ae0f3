"""The record of an interaction: the person's action, and the bot's answers."""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from simulation.discord.entities import InteractionStart, Message, walk_components
from simulation.discord.errors import ApiError, ImpossibleActionError, UnansweredError


class CallbackKind(IntEnum):
    """Discord's callback types."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


@dataclass(frozen=True, slots=True)
class Modal:
    """A form that the bot opened."""

    title: str
    custom_id: str
    components: list[dict[str, Any]]

    @property
    def fields(self) -> list[dict[str, Any]]:
        """The inputs in order, each with its `label`, which may come from a label component."""
        found = []
        for component in self.components:
            if component.get("type") == 18:
                found.append({**component["component"], "label": component["label"]})
            else:
                found += [item for item in walk_components([component]) if "custom_id" in item]
        return found

    @property
    def labels(self) -> list[str]:
        """The labels of the inputs in order."""
        return [str(item.get("label")) for item in self.fields]


@dataclass(eq=False, kw_only=True)
class InteractionRecord(InteractionStart):
    """One interaction and all answers to it.

    Attributes:
        opened_after: the time at which it was sent, in lived seconds of the world.
        acknowledged_after_seconds: the time until the first answer, in lived seconds.
    """

    token: str
    sent_at: float
    opened_after: float
    payload: dict[str, Any] = field(default_factory=dict, repr=False)
    acknowledged_after_seconds: float | None = None
    callback_kind: CallbackKind | None = None
    callback_payload: dict[str, Any] | None = None
    original: Message | None = None
    followups: list[Message] = field(default_factory=list)
    edits: list[dict[str, Any]] = field(default_factory=list)
    refusals: list[ApiError] = field(default_factory=list)
    modal: Modal | None = None
    choices: list[dict[str, Any]] | None = None
    original_was_deleted: bool = False

    @property
    def is_acknowledged(self) -> bool:
        """Whether the bot has answered or deferred in time."""
        return self.callback_kind is not None

    @property
    def is_deferred(self) -> bool:
        """Whether the first answer was a deferral."""
        return self.callback_kind in (CallbackKind.DEFERRED_MESSAGE, CallbackKind.DEFERRED_UPDATE)

    @property
    def message(self) -> Message | None:
        """The answer that the person sees now: the finished original, else the newest follow-up."""
        if self.original is not None and not self.original.is_loading and not self.original.is_deleted:
            if self.callback_kind is CallbackKind.DEFERRED_UPDATE and not self.edits and self.followups:
                return self.followups[-1]
            return self.original
        return self.followups[-1] if self.followups else None

    @property
    def is_answered(self) -> bool:
        """Whether the final answer exists: a message, a modal, or choices."""
        if self.modal is not None or self.choices is not None:
            return True
        if self.callback_kind is CallbackKind.DEFERRED_UPDATE:
            return bool(self.edits or self.followups or self.original_was_deleted)
        return self.message is not None

    @property
    def answer(self) -> Message:
        """The message that is the answer.

        Raises:
            UnansweredError: there is no answer yet.
        """
        if self.message is None:
            raise UnansweredError(f"{self.describe()} has no answer yet")
        return self.message

    @property
    def is_ephemeral(self) -> bool:
        """Whether only the person sees the answer."""
        return self.answer.is_ephemeral

    @property
    def content(self) -> str:
        """The text of the answer."""
        return self.answer.content

    @property
    def embeds(self) -> list[dict[str, Any]]:
        """The embeds of the answer."""
        return self.answer.embeds

    @property
    def embed(self) -> dict[str, Any]:
        """The only embed of the answer."""
        return self.answer.embed

    @property
    def components(self) -> list[dict[str, Any]]:
        """The component rows of the answer."""
        return self.answer.components

    def describe(self) -> str:
        """Return a short text for error messages."""
        data = self.payload.get("data", {})
        return (
            f"{self.kind.name.lower()} {data.get('name') or data.get('custom_id')!r} by {self.user.username}"
        )

    def require_modal(self) -> Modal:
        """Return the open form.

        Raises:
            ImpossibleActionError: no form is open.
        """
        if self.modal is None:
            raise ImpossibleActionError(f"{self.describe()} opened no modal")
        return self.modal
