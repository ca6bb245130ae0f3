"""Declarations: the rules of a command: who may use it and who sees its answer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from utils.models.premium import Feature

CommandT = TypeVar("CommandT", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The rules of a command, declared above it: ``@Access(is_private=True)``.

    Attributes:
        is_admin: only members with Manage Server or the guild's admin role may use it.
        is_home: admins of the home guild may use it there, and the bot's owners anywhere.
        is_owner: only the bot's owners may use it.
        is_private: only the caller sees the answers, from the acknowledgement on, in their language.
        is_update: a press that changes its own message (``ctx.edit``); other answers follow below it.
        feature: the feature that the guild's tier must unlock.
        opens_modal: the first reply is a modal, so the command is not deferred.
        modal_options: the options that make the first reply a modal if they are given (for a switch: if it is
            on).
        is_change: it changes stored data, so a failure may leave the change made, wholly or in part.
        may_have_left: it may name a former member, because data about them may be stored.
        cost: the amount of work, in the units of ``limits``.
    """

    is_admin: bool = False
    is_home: bool = False
    is_owner: bool = False
    is_private: bool = False
    is_update: bool = False
    feature: Feature | None = None
    opens_modal: bool = False
    modal_options: tuple[str, ...] = ()
    is_change: bool = False
    may_have_left: bool = False
    cost: float = 0

    def __call__(self, function: CommandT) -> CommandT:
        """Give a command's function this access."""
        function.__access__ = self  # type: ignore[attr-defined]
        return function

    def is_modal_first(self, data: Mapping[str, Any]) -> bool:
        """Tell whether the first reply is a modal, by the options that Discord sent."""
        given = (find_option(data, name) for name in self.modal_options)
        return self.opens_modal or any(value not in (None, False) for value in given)


PUBLIC = Access()


def get_access(command: object) -> Access:
    """Return the access of a command, or of the handler of a lasting button; public if it has none."""
    granted: Access = getattr(getattr(command, "callback", None), "__access__", PUBLIC)
    return granted


def find_option(data: Mapping[str, Any], name: str) -> object:
    """Return the value of a command's option as Discord sent it, at any depth; None if it was left out."""
    for option in data.get("options") or ():
        if option["name"] == name and "value" in option:
            return option["value"]
        if (found := find_option(option, name)) is not None:
            return found
    return None
