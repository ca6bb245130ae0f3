"""Fingerprints: the way through the code and the failure decide, never a message, a line or the plumbing."""

import re
from collections.abc import Callable, Sequence
from types import FunctionType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from utils.telemetry.fingerprints import (
    FRAMES,
    OVERFLOWN,
    ErrorIdentity,
    build_key,
    compute_reference,
    identify,
)

MODULES = ("utils.services.money.wallets", "utils.database.repositories.wallets", "cogs.bounty")
PLUMBING = ("utils.database.core.operations", "utils.database.core.threads", "utils.tasks", "utils.waiting")
LIBRARIES = ("pymongo.pool", "asyncio.tasks")

Way = Sequence[tuple[str, str]]
Step = Callable[..., object]


def _build_step(
    module: str, name: str, go_on: Callable[[], object], *, lines: int = 0
) -> Callable[[], object]:
    """Return a function of a module that calls the next one; ``lines`` stand above the call."""
    source = f"def {name}():\n" + "    0\n" * lines + "    go_on()\n"
    names: dict[str, object] = {"__name__": module, "go_on": go_on}
    exec(compile(source, f"{module}.py", "exec"), names)  # noqa: S102 - frames of any module
    made = names[name]
    assert isinstance(made, FunctionType)
    return made


def raise_along(
    way: Way, error: BaseException, *, cause: BaseException | None = None, lines: int = 0
) -> Exception:
    """Raise an error below these functions, outermost first, and return it."""

    def fail() -> None:
        raise error from cause

    step: Step = fail
    for module, name in reversed(way):
        step = _build_step(module, name, step, lines=lines)
    with pytest.raises(type(error)) as caught:
        step()
    return caught.value


WAYS = st.lists(st.tuples(st.sampled_from(MODULES), st.sampled_from("abc")), min_size=1, max_size=8)
NOISE = st.lists(st.tuples(st.sampled_from(PLUMBING + LIBRARIES), st.sampled_from("xy")), max_size=3)


@given(way=WAYS, message=st.text(), lines=st.integers(0, 5), noise=NOISE)
def test_messages_lines_and_plumbing_change_nothing(
    way: Way, message: str, lines: int, noise: list[tuple[str, str]]
) -> None:
    """Only the own functions count; what was typed, edits above a line, and plumbing below do not."""
    plain = identify(raise_along(way, KeyError("x")))
    other = identify(raise_along([*way, *noise], KeyError(message), lines=lines))
    assert plain == other
    names = [f"{module}:{name}" for module, name in way]
    collapsed = [name for place, name in enumerate(names) if place == 0 or names[place - 1] != name]
    assert plain.frames == tuple(collapsed[-FRAMES:])
    assert plain.place == names[-1]


@given(way=WAYS, other=WAYS)
def test_another_way_is_another_group(way: Way, other: Way) -> None:
    """Two errors share a group if, and only if, their shown frames are equal."""
    first, second = identify(raise_along(way, KeyError())), identify(raise_along(other, KeyError()))
    assert (first.frames == second.frames) is (first.fingerprint == second.fingerprint)


@given(codes=st.lists(st.sampled_from(["mongodb 112", "discord 403 50013"]), max_size=2))
def test_facts_and_causes_tell_failures_apart(codes: list[str]) -> None:
    """The codes of a failure and the types of its causes are a part of the fingerprint."""
    way = [(MODULES[0], "pay")]
    plain = identify(raise_along(way, ValueError()))
    known = identify(raise_along(way, ValueError()), [lambda _: codes])
    caused = identify(raise_along(way, ValueError(), cause=KeyError("secret")))
    full, denied = OSError(28, "full"), OSError(13, "denied")
    assert (plain == known) is (codes == [])
    assert caused.fingerprint != plain.fingerprint
    assert identify(raise_along(way, full)) != identify(raise_along(way, denied))


def test_each_type_of_a_chain_counts_once() -> None:
    """A failure that was wrapped twice in the same class is the same failure."""
    way = [(MODULES[0], "pay")]
    once = identify(raise_along(way, ValueError(), cause=KeyError()))
    twice = identify(raise_along(way, ValueError(), cause=raise_along(way, ValueError(), cause=KeyError())))
    assert once == twice


def test_library_frame_stands_in_where_no_code_of_ours_took_part() -> None:
    """Without a frame of ours the innermost one of a library is the place; without any it is nowhere."""
    found = identify(raise_along([("pymongo.pool", "connect")], ValueError()))
    assert found.place.startswith("tests.utils.telemetry.test_fingerprints:")
    assert identify(ValueError()).place == "nowhere"
    assert identify(raise_along([("utils.tasks", "run")], ValueError())).place == "utils.tasks:run"


def test_endless_recursion_and_circles_of_causes_end() -> None:
    """An error with thousands of frames, or one that causes itself, has a fingerprint as well."""

    def recurse() -> None:
        recurse()

    with pytest.raises(RecursionError) as caught:
        recurse()
    assert identify(caught.value).error_type == "builtins.RecursionError"
    assert len(build_key(caught.value)) < 100
    circle = ValueError()
    circle.__cause__ = KeyError()
    circle.__cause__.__cause__ = circle
    assert identify(circle).error_type == "builtins.ValueError"
    assert len(build_key(circle)) < 100


@given(way=WAYS, messages=st.tuples(st.text(), st.text()))
def test_key_of_a_look_up_has_one_identity(way: Way, messages: tuple[str, str]) -> None:
    """The quick key is equal where code and types are equal, and the full identity is then equal too."""
    step = _build_failing(way)
    first, second = (_catch(step, KeyError(message)) for message in messages)
    assert build_key(first) == build_key(second)
    assert identify(first) == identify(second)


def _build_failing(way: Way) -> Step:
    raised: list[Exception] = []

    def fail() -> None:
        raise raised[-1]

    step: Step = fail
    for module, name in reversed(way):
        step = _build_step(module, name, step)

    def raise_one(error: Exception) -> None:
        raised.append(error)
        step()

    return raise_one


def _catch(step: Step, error: Exception) -> Exception:
    with pytest.raises(KeyError) as caught:
        step(error)
    return caught.value


def test_references_are_short_and_stable() -> None:
    """A person can type a reference; it is the same in every process and version of Python."""
    assert compute_reference("v2:0123456789abcdef") == "GHFZZ4"
    assert ErrorIdentity("v2:overflow", OVERFLOWN.reference, "overflow", "many places", ()) == OVERFLOWN
    found = identify(raise_along([(MODULES[0], "pay")], ValueError()))
    assert re.fullmatch(r"v2:[0-9a-f]{16}", found.fingerprint)
    assert re.fullmatch(r"[2-9A-HJKMNP-TV-Z]{6}", found.reference)
