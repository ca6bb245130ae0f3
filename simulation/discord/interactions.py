"""An interaction, as the person who started it sees it and as a test asks about it."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Self

from simulation.discord.entities import Channel, Message, User, walk_components
from simulation.discord.errors import ApiError, ImpossibleActionError, UnansweredError
from simulation.discord.payloads import user_payload
from simulation.discord.signals import PATIENCE_SECONDS

if TYPE_CHECKING:
    from simulation.discord.interaction_desk import InteractionDesk


class InteractionKind(IntEnum):
    """Discord's interaction types."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL_SUBMIT = 5


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
        """The inputs in order, each with its `label` (also where a label component carries it)."""
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


@dataclass(eq=False)
class Interaction:
    """One interaction, seen from the person who started it. Tests call it the reply.

    Attributes:
        opened_after: when it was sent, in seconds that the world has lived.
        acknowledged_after_seconds: how long the first answer took, in such seconds.
    """

    id: int
    token: str
    kind: InteractionKind
    user: User
    channel: Channel
    desk: "InteractionDesk" = field(repr=False)
    payload: dict[str, Any] = field(default_factory=dict, repr=False)
    source: Message | None = None
    parent: "Interaction | None" = field(default=None, repr=False)
    sent_at: float = 0.0
    opened_after: float = 0.0
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

    # what a test asks

    @property
    def is_acknowledged(self) -> bool:
        """Whether the bot has answered or deferred in time."""
        return self.callback_kind is not None

    @property
    def is_deferred(self) -> bool:
        """Whether the first answer was a deferral."""
        return self.callback_kind in (CallbackKind.DEFERRED_MESSAGE, CallbackKind.DEFERRED_UPDATE)

    @property
    def has_failed(self) -> bool:
        """Whether the person was told that the application did not respond."""
        return not self.is_acknowledged and self.desk.is_too_late(self)

    @property
    def message(self) -> Message | None:
        """The answer as the person sees it last: the finished original, else the newest follow-up."""
        if self.original is not None and not self.original.is_loading and not self.original.is_deleted:
            if self.callback_kind is CallbackKind.DEFERRED_UPDATE and not self.edits and self.followups:
                return self.followups[-1]
            return self.original
        return self.followups[-1] if self.followups else None

    @property
    def is_answered(self) -> bool:
        """Whether the final answer is there: a message, a modal, or choices."""
        if self.modal is not None or self.choices is not None:
            return True
        if self.callback_kind is CallbackKind.DEFERRED_UPDATE:
            return bool(self.edits or self.followups or self.original_was_deleted)
        return self.message is not None

    @property
    def is_ephemeral(self) -> bool:
        """Whether only the person sees the answer."""
        return self._answer.is_ephemeral

    @property
    def content(self) -> str:
        """The text of the answer."""
        return self._answer.content

    @property
    def embeds(self) -> list[dict[str, Any]]:
        """The embeds of the answer."""
        return self._answer.embeds

    @property
    def embed(self) -> dict[str, Any]:
        """The only embed of the answer."""
        return self._answer.embed

    @property
    def components(self) -> list[dict[str, Any]]:
        """The component rows of the answer."""
        return self._answer.components

    @property
    def _answer(self) -> Message:
        if self.message is None:
            raise UnansweredError(f"{self.describe()} has no answer yet")
        return self.message

    def describe(self) -> str:
        """Return a short text for error messages."""
        data = self.payload.get("data", {})
        return (
            f"{self.kind.name.lower()} {data.get('name') or data.get('custom_id')!r} by {self.user.username}"
        )

    async def wait_for_acknowledgement(self) -> Self:
        """Wait for the first answer of any kind.

        Raises:
            UnansweredError: the three seconds passed without one.
        """
        while not self.is_acknowledged:
            left = self.desk.count_seconds_left(self)
            if left <= 0:
                refused = "".join(f"; refused: {refusal} {refusal.tree or ''}" for refusal in self.refusals)
                raise UnansweredError(f"{self.describe()}: the application did not respond{refused}")
            with suppress(TimeoutError):  # then it is counted again: not every second was lived
                await self.desk.world.signal.until(
                    lambda: self.is_acknowledged,
                    within_seconds=left,
                    what=f"the acknowledgement of {self.describe()}",
                )
        return self

    async def wait(self, within_seconds: float = PATIENCE_SECONDS) -> Self:
        """Wait for the final answer: a finished message, a modal, or choices.

        Raises:
            UnansweredError: no acknowledgement in three seconds, or no answer in time.
        """
        await self.wait_for_acknowledgement()
        try:
            await self.desk.world.signal.until(
                lambda: self.is_answered,
                within_seconds=within_seconds,
                what=f"the answer to {self.describe()}",
            )
        except TimeoutError as error:
            raise UnansweredError(str(error)) from error
        return self

    async def wait_until(
        self, condition: Callable[[Self], bool], within_seconds: float = PATIENCE_SECONDS
    ) -> Self:
        """Wait until something holds for this interaction, such as a third edit."""
        await self.desk.world.signal.until(
            lambda: condition(self), within_seconds=within_seconds, what=f"a condition on {self.describe()}"
        )
        return self

    # what the person does next

    async def submit_modal(self, values: Mapping[str, Any]) -> "Interaction":
        """Fill in the form, by label or custom_id, and send it; return the new interaction.

        Raises:
            ImpossibleActionError: no form is open, or the client would not send these values.
        """
        return self.desk.world.people.submit_modal(self, values)

    async def click(self, button: str) -> "Interaction":
        """Press a button of the answer as the person who asked."""
        return self.desk.world.people.press_as_user(self._answer, self.user, button, values=())

    # what Discord says about it

    def metadata_payload(self) -> dict[str, Any]:
        """Return the `interaction_metadata` of a message that answers this."""
        guild = self.channel.guild
        payload: dict[str, Any] = {
            "id": str(self.id),
            "type": int(self.kind),
            "user": user_payload(self.user),
            "authorizing_integration_owners": {"0": str(guild.id) if guild else "0"},
        }
        if self.source is not None:
            payload["interacted_message_id"] = str(self.source.id)
        if self.parent is not None:
            payload["triggering_interaction_metadata"] = self.parent.metadata_payload()
        return payload


def require_open_modal(interaction: Interaction) -> Modal:
    """Return the form that is open.

    Raises:
        ImpossibleActionError: none is.
    """
    if interaction.modal is None:
        raise ImpossibleActionError(f"{interaction.describe()} opened no modal")
    return interaction.modal
