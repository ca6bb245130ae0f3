"""Lines of the log: JSON of at most 16 KiB for every record."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes.examples import choose_examples
from utils.telemetry.log_entries import MAX_LINE_BYTES, build_line

HEAD = {"timestamp": "2025-05-01T12:00:00.000000Z", "level": "error", "logger": "utils.a", "event": "failed"}
TEXTS = st.text(max_size=30) | st.integers(0, 5000).map(lambda length: "ü\x00" * length)
VALUES = st.recursive(
    TEXTS | st.integers() | st.none() | st.booleans(),
    lambda inner: st.lists(inner, max_size=55) | st.dictionaries(st.text(max_size=9), inner, max_size=55),
    max_leaves=20,
)


@settings(max_examples=choose_examples(quick=20, deep=500))
@given(st.dictionaries(st.text(max_size=9), VALUES, max_size=6))
def test_line_is_short_and_json(values: dict[str, Any]) -> None:
    """Every record becomes one line that fits and can be read; one that is short stays whole."""
    entry = values | HEAD
    line = build_line(entry)
    read = json.loads(line)
    assert len(line) <= MAX_LINE_BYTES
    assert line.count(b"\n") == 1
    assert {key: read[key] for key in HEAD} == HEAD
    assert "is_cut" in read or read == json.loads(json.dumps(entry))


def test_long_traceback_keeps_its_end() -> None:
    """The innermost frames and the sentence of the error are at the end of a traceback."""
    line = build_line(HEAD | {"exception": "x" * 100_000 + "ValueError: deepest"})
    read = json.loads(line)
    assert read["is_cut"]
    assert (read["exception"][0], read["exception"][-19:]) == ("…", "ValueError: deepest")


def test_half_of_a_character_is_written_as_its_number() -> None:
    """A name that is not text, as a file name may be, does not hinder its record."""
    assert json.loads(build_line(HEAD | {"name": "a\udc80"}))["name"] == "a\udc80"
