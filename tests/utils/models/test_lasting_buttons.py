"""The custom ids of lasting buttons: all that is known when one is pressed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.models.lasting_buttons import MAX_CUSTOM_ID_CHARACTERS, ButtonKind, PressedId

KINDS = st.builds(
    ButtonKind, name=st.from_regex(r"[a-z_]{1,20}", fullmatch=True), version=st.integers(1, 10_000)
)


@given(kind=KINDS, argument=st.text(max_size=60))
def test_press_returns_kind_and_argument(kind: ButtonKind, argument: str) -> None:
    """Every argument comes back as it was given, with colons and all."""
    pressed = PressedId.read(kind.make_custom_id(argument))
    assert pressed is not None
    assert (pressed.is_of(kind), pressed.argument) == (True, argument)


@given(kind=KINDS, other=KINDS)
def test_press_belongs_to_its_own_kind_and_version_alone(kind: ButtonKind, other: ButtonKind) -> None:
    """Neither another name nor another version takes the press."""
    pressed = PressedId.read(other.make_custom_id("x"))
    assert pressed is not None
    assert pressed.is_of(kind) == (kind == other)


@given(custom_id=st.text())
def test_every_custom_id_can_be_read(custom_id: str) -> None:
    """A client can send any id; one with another prefix does not belong to a lasting button."""
    assert (PressedId.read(custom_id) is None) != custom_id.startswith("kf!")
    assert PressedId.read("kf!" + custom_id) is not None


def test_custom_id_has_the_length_that_discord_allows() -> None:
    """A longer one fails where it is made, and not when the message is sent."""
    kind = ButtonKind("share")
    fitting = "x" * (MAX_CUSTOM_ID_CHARACTERS - len(kind.make_custom_id()))
    assert len(kind.make_custom_id(fitting)) == MAX_CUSTOM_ID_CHARACTERS
    with pytest.raises(ValueError, match="longer than a custom id"):
        kind.make_custom_id(fitting + "x")
