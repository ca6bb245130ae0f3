"""Lasting buttons: presses that the cogs answer after every restart, by the custom id alone.

A cog declares a method with ``@on_press(KIND)``, and with ``@Access(…)`` like a command. A press is
acknowledged, checked and limited like a command, and its failure is answered like that of a command.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

import discord

from utils.models.lasting_buttons import ButtonKind, PressedId
from utils.models.texts import Command, text

Press = Callable[..., Awaitable[None]]
"""Answers a press: ``async (self, ctx: KillfeedContext, argument: str)``."""

OUTDATED = text(
    "This button is from an older version of me; {help} shows what works now.", help=Command("help")
)
"""The sentence about a lasting button whose name or version nothing answers any more."""

PressT = TypeVar("PressT", bound=Press)


@dataclass(frozen=True, slots=True)
class PressHandler:
    """The method of a cog that answers a kind of lasting button; it has a ``callback`` like a command."""

    kind: ButtonKind
    callback: Press


def on_press(kind: ButtonKind) -> Callable[[PressT], PressT]:
    """Let a method of a cog answer the lasting buttons of a kind."""

    def declare(method: PressT) -> PressT:
        method.__pressed__ = kind  # type: ignore[attr-defined]
        return method

    return declare


def list_handlers(cogs: Iterable[object]) -> Iterator[PressHandler]:
    """Yield the handlers that the cogs declare."""
    for cog in cogs:
        for _, method in inspect.getmembers(type(cog), inspect.isfunction):
            if (kind := getattr(method, "__pressed__", None)) is not None:
                yield PressHandler(kind, method.__get__(cog))


def read_pressed(interaction: discord.Interaction) -> PressedId | None:
    """Return which lasting button was pressed; None for every other interaction."""
    if interaction.type is not discord.InteractionType.component:
        return None
    data: Any = interaction.data or {}
    return PressedId.read(str(data.get("custom_id", "")))


def find_handler(cogs: Iterable[object], pressed: PressedId) -> PressHandler | None:
    """Return the handler of a press; None if the message is from another version of the bot."""
    return next((handler for handler in list_handlers(cogs) if pressed.is_of(handler.kind)), None)
