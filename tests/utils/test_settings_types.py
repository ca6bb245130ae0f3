"""The configuration key by key: an error names its key, and a secret never appears."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from utils.errors import ConfigurationError
from utils.settings import Settings, load_settings

EXAMPLE = json.loads((Path(__file__).parents[2] / "config.example.json").read_text("utf-8"))
MARK = "pw-secret-7d1c"

MANY_TIMES = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def list_keys(values: dict[str, Any], *place: str) -> Iterator[tuple[str, ...]]:
    """Yield every key of a configuration with its position."""
    for name, value in values.items():
        if isinstance(value, dict):
            yield from list_keys(value, *place, name)
        else:
            yield (*place, name)


KEYS = list(list_keys(EXAMPLE))
SECRETS = [("discord", "token"), ("mongodb", "uri"), ("secret_key",)]


def build(place: tuple[str, ...], value: object) -> dict[str, Any]:
    """Return a configuration with one key set."""
    content: dict[str, Any] = {place[-1]: value}
    for section in reversed(place[:-1]):
        content = {section: content}
    return content


def load(folder: Path, content: object, environ: dict[str, str] | None = None) -> Settings | tuple[str, ...]:
    """Return the settings, or all problems."""
    config = folder / "config.json"
    config.write_text(json.dumps(content), "utf-8")
    try:
        return load_settings(config, environ or {})
    except ConfigurationError as error:
        return error.problems


@pytest.mark.parametrize("place", KEYS, ids=".".join)
@pytest.mark.parametrize("wrong", [{"a": MARK}, [[MARK]], [None, {}]], ids=["object", "list", "mixed"])
def test_value_that_can_never_be_right_is_named_by_its_key(
    tmp_path: Path, place: tuple[str, ...], wrong: object
) -> None:
    """Every key refuses an object or a list of lists with a sentence that begins with its name."""
    problems = load(tmp_path, build(place, wrong))
    assert isinstance(problems, tuple)
    key = ".".join(place)
    assert all(problem.startswith((f"{key} ", f"{key}.")) for problem in problems)
    assert all(problem.endswith(".") and "\n" not in problem for problem in problems)
    assert MARK not in "".join(problems)


@pytest.mark.parametrize("place", KEYS, ids=".".join)
def test_variable_is_named_beside_its_key(tmp_path: Path, place: tuple[str, ...]) -> None:
    """The error names the variable too, because the file looks right; text stays text."""
    variable = "KILLFEED__" + "__".join(place).upper()
    outcome = load(tmp_path, EXAMPLE, {variable: '{"a": [1]}'})
    if isinstance(outcome, Settings):
        value: Any = outcome
        for name in place:
            value = getattr(value, name)
        kept = value.get_secret_value() if place in SECRETS else str(value)
        assert kept == '{"a": [1]}'
    else:
        assert [problem.split(" must")[0].split(" may")[0] for problem in outcome] == [
            f"{'.'.join(place)} (from {variable})"
        ]


@MANY_TIMES
@given(place=st.sampled_from(KEYS), value=JSON)
def test_any_json_in_any_place_is_taken_or_named(tmp_path: Path, place: tuple[str, ...], value: Any) -> None:
    """Any JSON is either accepted or refused with its key; it changes no other key."""
    outcome = load(tmp_path, build(place, value))
    if isinstance(outcome, Settings):
        section = {name: getattr(outcome, name) for name in type(outcome).model_fields if name != place[0]}
        assert section == {name: getattr(Settings(), name) for name in section}
    else:
        assert outcome
        for problem in outcome:
            assert problem.startswith((".".join(place), f"{place[0]} must", str(tmp_path)))


@MANY_TIMES
@given(content=JSON)
def test_any_json_as_the_whole_file_is_taken_or_refused_in_sentences(tmp_path: Path, content: Any) -> None:
    """Any content of the file ends in settings or in sentences."""
    outcome = load(tmp_path, content)
    assert outcome == Settings() if content == {} else isinstance(outcome, Settings | tuple)
    assert isinstance(outcome, Settings) or all(problem.strip() for problem in outcome)


@pytest.mark.parametrize("place", SECRETS, ids=".".join)
@pytest.mark.parametrize(
    "value", [MARK, [MARK], {MARK: 1}, {"a": MARK}], ids=["text", "list", "key", "value"]
)
def test_secret_shows_nowhere_whatever_its_form(
    tmp_path: Path, place: tuple[str, ...], value: object
) -> None:
    """A secret in the wrong form is a common mistake; it must not appear in a log."""
    outcome = load(tmp_path, build(place, value))
    shown = f"{outcome!r}{outcome!s}" if isinstance(outcome, Settings) else "\n".join(outcome)
    assert MARK not in shown


@pytest.mark.parametrize(
    ("place", "good", "bad"),
    [
        (("premium", "default_tier"), [0, 4], [-1, 5]),
        (("backup", "hour_utc"), [0, 23], [-1, 24]),
        (("backup", "keep_days"), [1], [0]),
        (("logging", "keep_days"), [1], [0, -1]),
        (("sftp", "max_connections"), [1], [0]),
        (("polling", "min_interval_seconds"), [0.01, 1, 5], [0, -1]),
        (("polling", "max_announce_age_minutes"), [0.5, 60], [0]),
        (("sftp", "idle_expiry_seconds"), [0.1], [0]),
        (("discord", "home_guild_id"), [1, 2**63 - 1, "7", None], [0, 2**63, "", "-7", "7.0", "٣", " 7"]),
        (("discord", "shard_count"), [1, None], [0]),
        (("mongodb", "database"), ["a", "A-b_9", "a" * 63], ["", "a" * 64, "a.b", "a b", "ä", "a\n"]),
        (("logging", "level"), ["DEBUG", "ERROR"], ["debug", ""]),
    ],
    ids=lambda value: ".".join(value) if isinstance(value, tuple) else None,
)
def test_limits_are_inclusive_on_the_side_of_sense(
    tmp_path: Path, place: tuple[str, ...], good: list[object], bad: list[object]
) -> None:
    """The last good value is accepted, the first bad one refused."""
    assert [value for value in good if not isinstance(load(tmp_path, build(place, value)), Settings)] == []
    assert [value for value in bad if isinstance(load(tmp_path, build(place, value)), Settings)] == []
