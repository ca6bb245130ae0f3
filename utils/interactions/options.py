"""Options that take free text: each is bounded, on Discord's side here and on ours where it is searched."""

from collections.abc import Awaitable, Callable
from typing import Any

import discord

from utils.models.typed_text import TYPED_CHARACTERS

Completion = Callable[[discord.AutocompleteContext], Awaitable[list[Any]]]
Decorator = Callable[[Callable[..., Any]], Callable[..., Any]]
REQUIRED: Any = object()


def text_option(
    name: str, *, description: str, autocomplete: Completion, default: Any = REQUIRED
) -> Decorator:
    """Give a command an option that is typed or picked from what is offered; required without a default."""
    optional = {} if default is REQUIRED else {"default": default}
    decorator: Decorator = discord.option(
        name,
        str,
        description=description,
        autocomplete=autocomplete,
        max_length=TYPED_CHARACTERS,
        **optional,
    )
    return decorator
