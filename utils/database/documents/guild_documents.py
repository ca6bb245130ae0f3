"""Documents of guilds' settings: a declared setting is stored under its name and checked when it is read."""

from collections.abc import Callable
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

from utils.database.documents.codec import plain
from utils.models.guilds import GuildSettings
from utils.models.scope import GuildId

Document = dict[str, Any]
S = TypeVar("S", bound=GuildSettings)


_build_adapter: Callable[..., TypeAdapter[Any]] = cache(TypeAdapter)
"""Builds the adapter of a type once, because that takes longer than most tests take."""


class SettingsDocuments(Generic[S]):
    """Reads and builds the documents of a type of settings, by its declarations."""

    def __init__(self, kind: type[S]) -> None:
        self._adapter: TypeAdapter[S] = _build_adapter(kind)

    def read(self, guild_id: GuildId, document: Document | None) -> S:
        """Return the settings; a setting that is not stored has its default. Other fields are ignored."""
        return self._adapter.validate_python({**(document or {}), "guild_id": guild_id})

    def build_changed(self, before: S, after: S) -> Document:
        """Return the changed fields as MongoDB stores them.

        Another setting of recaps, or another clock, takes the moments of their plan away
        (``recap_documents.py``).
        """
        old, new = (self._adapter.dump_python(one) for one in (before, after))
        changed: Document = {name: plain(value) for name, value in new.items() if value != old[name]}
        if changed.keys() & {"recap", "timezone"}:
            recap = changed.pop("recap", {})
            changed |= {f"recap.{name}": value for name, value in recap.items()}
            changed |= {"recap.next_at": {}, "recap.due_at": None}
        return changed
