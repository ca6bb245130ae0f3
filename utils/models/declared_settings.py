"""Settings of a community: each is declared once, as a field with its default and its check.

A field of ``GuildSettings``, or of a dataclass that is a field of it, is a setting. It is stored and read by
its name, and a change is checked, written to the audit and announced. A setting that holds a member or a
player has its row in ``PERSONAL_FIELDS``, like every stored field.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, field, fields, is_dataclass
from typing import Any

from utils.models.audit import FieldChange
from utils.models.texts import Text

Check = Callable[[Any], Text | None]
"""Returns what is wrong with a value; None if the value is allowed."""

_CHECK = "check"


def setting(default: Any = MISSING, *, factory: Any = MISSING, check: Check | None = None) -> Any:
    """Return the field of a setting; ``factory`` makes a default that can be changed, such as a mapping."""
    metadata = {_CHECK: check}
    if factory is MISSING:
        return field(default=default, metadata=metadata)
    return field(default_factory=factory, metadata=metadata)


def between(least: int, most: int, sentence: Text) -> Check:
    """Return the check of a number, both ends included; ``sentence`` tells people the bounds."""

    def check(value: int) -> Text | None:
        return None if least <= value <= most else sentence

    return check


def list_settings(settings: Any) -> Iterator[tuple[str, Check | None, Any]]:
    """Yield every setting with its name, its check if it has one, and its value."""
    for one in fields(settings):
        value = getattr(settings, one.name)
        if is_dataclass(value):
            yield from list_settings(value)
        else:
            yield one.name, one.metadata.get(_CHECK), value


def list_changes(before: Any, after: Any) -> tuple[FieldChange, ...]:
    """Return the changes between two values of settings, by name."""
    return tuple(
        change for name, _, old, new in _list_differing(before, after) for change in _compare(name, old, new)
    )


def find_problem(before: Any, after: Any) -> Text | None:
    """Return what is wrong with the first changed value that is not allowed; only changes are checked."""
    found = (check(new) for _, check, _, new in _list_differing(before, after) if check is not None)
    return next((problem for problem in found if problem is not None), None)


def _list_differing(before: Any, after: Any) -> Iterator[tuple[str, Check | None, Any, Any]]:
    for (name, check, old), (_, _, new) in zip(list_settings(before), list_settings(after), strict=True):
        if old != new:
            yield name, check, old, new


def _compare(name: str, old: Any, new: Any) -> Iterator[FieldChange]:
    """Yield one change; for a mapping those of each key, for a set those of each member, under its name."""
    if isinstance(new, frozenset):
        for member in sorted(map(str, old ^ new)):
            yield FieldChange(member, member in old, member in new)
        return
    if not isinstance(new, Mapping):
        yield FieldChange(name, old, new)
        return
    for key in dict.fromkeys([*old, *new]):
        yield from _compare_values(str(key), old.get(key), new.get(key))


def _compare_values(name: str, old: Any, new: Any) -> Iterator[FieldChange]:
    """Yield the change of a value; for a dataclass one for each field, as ``name.field``.

    A missing dataclass has the defaults of its fields.
    """
    kind = type(new or old)
    if not is_dataclass(kind):
        if old != new:
            yield FieldChange(name, old, new)
        return
    before, after = old or kind(), new or kind()
    for one in fields(kind):
        yield from _compare_values(f"{name}.{one.name}", getattr(before, one.name), getattr(after, one.name))
