"""Each setting is declared once, with its default and its check."""

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, field, is_dataclass, replace

from utils.database.documents.personal_fields import PERSONAL_FIELDS
from utils.models.audit import FieldChange
from utils.models.declared_settings import between, find_problem, list_changes, list_settings, setting
from utils.models.guilds import ChannelKind, GuildSettings
from utils.models.money import BountySettings
from utils.models.scope import ChannelId, GuildId, MemberId
from utils.models.texts import text

DEFAULTS = GuildSettings(GuildId(42))
FEED, OTHER = ChannelId(1), ChannelId(2)


def list_undeclared(kind: type, path: str = "") -> Iterator[str]:
    """Find settings that contain a member or a player and have no row among the personal fields."""
    declared = {path for one in PERSONAL_FIELDS["guilds"] for path in one.paths}
    for name, held in typing.get_type_hints(kind).items():
        if is_dataclass(held):
            yield from list_undeclared(typing.cast("type", held), f"{path}{name}.")
        elif re.search(r"MemberId|PlayerId", repr(held)) and f"{path}{name}" not in declared:
            yield f"{path}{name}"


def test_names_of_settings_are_unique() -> None:
    """A change names only the setting, so the names are unique."""
    names = [name for name, *_ in list_settings(DEFAULTS)]
    assert {"channels", "admin_role_id", "is_enabled", "max_amount"} <= set(names)
    assert len(names) == len(set(names))


def test_setting_that_holds_a_person_is_declared_as_personal() -> None:
    """Erasures and exports use the declared fields; today no setting names a person."""
    assert list(list_undeclared(GuildSettings)) == []


def test_rule_finds_what_breaks_it() -> None:
    """The rule finds undeclared settings of people."""

    @dataclass(frozen=True)
    class CarelessBounties(BountySettings):
        keepers: tuple[MemberId, ...] = setting(())

    @dataclass(frozen=True)
    class Careless(GuildSettings):
        keeper_id: MemberId | None = setting(None)
        more: CarelessBounties = field(default_factory=CarelessBounties)

    assert list(list_undeclared(Careless)) == ["keeper_id", "more.keepers"]


def test_changes_are_told_by_name_old_and_new() -> None:
    """Each key of a mapping is a change of its own; an equal value changes nothing."""
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
    """A value above a limit that was lowered later does not block other changes."""

    @dataclass(frozen=True)
    class Limited(GuildSettings):
        size: int = setting(1, check=between(1, 5, text("A size is 1 to 5.")))

    old = Limited(GuildId(42), size=9)
    assert find_problem(old, replace(old, admin_role_id=3)) is None
    assert find_problem(old, replace(old, size=8)) == text("A size is 1 to 5.")
    assert find_problem(old, replace(old, size=5)) is None
