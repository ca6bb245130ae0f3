"""Each setting is declared once: its default, its check, whether it is personal, and what a change tells."""

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from utils.models.audit import FieldChange
from utils.models.declared_settings import between, find_problem, list_changes, list_settings, setting
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import BountySettings
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.texts import text

DEFAULTS = GuildSettings(GuildId(42))
FEED, OTHER = ChannelId(1), ChannelId(2)


def list_undeclared(settings: Any) -> list[str]:
    """Return the settings without a declaration; the guild's id is the key of them all."""
    return [name for name, declared, _ in list_settings(settings) if declared is None and name != "guild_id"]


def list_unmarked(kind: type) -> Iterator[str]:
    """Find settings that hold a member or a player and are not declared as personal."""
    types = typing.get_type_hints(kind)
    for one in fields(kind):
        if is_dataclass(types[one.name]):
            yield from list_unmarked(types[one.name])
        elif re.search(r"MemberId|PlayerId", repr(types[one.name])):
            yield from [] if one.metadata["setting"].is_personal else [one.name]


def test_every_setting_is_declared() -> None:
    """What is not declared is neither checked nor known to be personal."""
    assert list_undeclared(DEFAULTS) == []
    names = [name for name, *_ in list_settings(DEFAULTS)]
    assert {"channels", "admin_role_id", "is_enabled", "max_amount"} <= set(names)
    assert len(names) == len(set(names))  # a change is told by the name alone


def test_what_holds_a_person_is_declared_as_personal() -> None:
    """An erasure goes by the declarations; today no setting names anybody."""
    assert list(list_unmarked(GuildSettings)) == []
    assert [name for name, declared, _ in list_settings(DEFAULTS) if declared and declared.is_personal] == []


def test_rules_find_what_breaks_them() -> None:
    """A rule that nothing can break proves nothing."""

    @dataclass(frozen=True)
    class Careless(GuildSettings):
        note: str = field(default="")
        keeper_id: MemberId | None = setting(None)

    assert list_undeclared(Careless(GuildId(42))) == ["note"]
    assert list(list_unmarked(Careless)) == ["keeper_id"]


def test_changes_are_told_by_name_old_and_new() -> None:
    """Of a mapping each key is a change of its own; what stays as it is is none."""
    before = replace(DEFAULTS, channels={ChannelKind.ALERTS: FEED, ChannelKind.EVENTS: FEED})
    after = replace(
        before,
        channels={ChannelKind.EVENTS: OTHER, ChannelKind.COUNTER: FEED},
        bounties=BountySettings(expiry_hours=48),
    )
    assert list_changes(before, after) == (
        FieldChange("alerts", FEED, None),
        FieldChange("events", FEED, OTHER),
        FieldChange("counter", None, FEED),
        FieldChange("expiry_hours", 24, 48),
    )
    assert list_changes(before, before) == ()


def test_only_what_changes_is_checked() -> None:
    """A value that was chosen before its limit was lowered holds up no other change."""

    @dataclass(frozen=True)
    class Limited(GuildSettings):
        size: int = setting(1, check=between(1, 5, text("A size is 1 to 5.")))

    old = Limited(GuildId(42), size=9)
    assert find_problem(old, replace(old, admin_role_id=3)) is None
    assert find_problem(old, replace(old, size=8)) == text("A size is 1 to 5.")
    assert find_problem(old, replace(old, size=5)) is None
