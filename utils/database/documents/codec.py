"""Codecs: a value is stored under the names of its fields, and checked by pydantic when it is read.

Deaths and players are many and have functions of their own; so has what is stored in another shape.
"""

from collections.abc import Mapping
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter

T = TypeVar("T")
Document = dict[str, Any]


class Codec(Generic[T]):
    """Builds and reads the documents of one dataclass; fields that others keep beside it are passed over."""

    def __init__(self, kind: type[T], *, without: frozenset[str] = frozenset()) -> None:
        self._adapter = TypeAdapter(kind)
        self._without = without
        names: tuple[Any, ...] = fields(kind)  # type: ignore[arg-type]
        self.fields = tuple(one.name for one in names if one.name not in without)

    def build(self, value: T) -> Document:
        """Return the document of a value, without the fields that are stored otherwise."""
        dumped = self._adapter.dump_python(value, exclude=set(self._without))
        return {name: plain(stored) for name, stored in dumped.items()}

    def read(self, document: Mapping[str, Any], **others: object) -> T:
        """Return the value of a document, and of what is stored otherwise.

        Raises:
            ValidationError: it is no such value.
        """
        return self._adapter.validate_python({**document, **others})


def plain(value: object) -> object:
    """Return a value as MongoDB stores it: enums as their values, days as texts, sets as sorted lists."""
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(str(item) for item in value)
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, str) else value
