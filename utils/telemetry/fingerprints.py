"""Fingerprints of errors: equal for errors of one kind from one way through the code, in every process.

*Theory of operation.* A fingerprint is made of the types of an error and its causes, of the facts that name
the failure (a code of MongoDB, a status of Discord with its route, a number of the system), and of the
innermost functions of our own code, without lines, which change with every edit. *Plumbing* (code that every
failure passes through) takes no part, and neither does any message. All of it is pure, and raises nothing.
"""

import errno
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from types import CodeType

VERSION = "v2"
OVERFLOW = f"{VERSION}:overflow"
"""The group of all errors that have no place of their own any more."""

FRAMES = 5
LONGEST_CHAIN = 10  # causes; a longer chain says no more
LONGEST_WAY = 64  # innermost frames of an error that are looked at, so that endless recursion costs little

REFERENCE_LENGTH = 6
_ALPHABET = "23456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letters that look like a digit or another letter

OWN_PACKAGES = ("utils", "cogs", "bot", "__main__")
PLUMBING = (
    *("utils.database.core.", "utils.tasks", "utils.events", "utils.waiting", "utils.queues"),
    *("utils.interactions.access", "utils.interactions.guild_cog", "utils.interactions.client"),
    *("utils.telemetry.", "utils.error_sink"),
)
"""Modules that every failure of their kind passes through, by the beginning of their names."""

FactReader = Callable[[BaseException], Sequence[str]]
"""Returns the facts that name a failure of a library, such as ``("mongodb 11000",)``; never its message."""


@dataclass(frozen=True, slots=True)
class ErrorIdentity:
    """The things that all errors of a group have in common.

    Attributes:
        fingerprint: the version and 16 hexadecimal digits, ``v2:…``.
        reference: six characters for people, made of the fingerprint.
        error_type: the full name of the outermost class.
        place: the innermost function, ``utils.services.money.wallets:WalletService.change``.
        frames: up to five innermost functions, outermost first.
    """

    fingerprint: str
    reference: str
    error_type: str
    place: str
    frames: tuple[str, ...]


Frame = tuple[str, CodeType]
"""The module and the code of a frame."""


def list_chain(error: BaseException) -> list[BaseException]:
    """Return an error and its causes, outermost first."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain and len(chain) < LONGEST_CHAIN:
        chain.append(one)
        one = one.__cause__
    return chain


def list_frames(error: BaseException) -> list[Frame]:
    """Return module and code of the innermost frames of an error, outermost first."""
    found: list[Frame] = []
    step = error.__traceback__
    while step is not None:
        found.append((step.tb_frame.f_globals.get("__name__", ""), step.tb_frame.f_code))
        step = step.tb_next
    return found[-LONGEST_WAY:]


def name_type(kind: type) -> str:
    """Return the full name of a class."""
    return f"{kind.__module__}.{kind.__qualname__}"


def list_facts(error: BaseException, readers: Iterable[FactReader] = ()) -> Iterator[str]:
    """Yield the facts that name the failure of one error, without its causes."""
    if isinstance(error, OSError) and isinstance(error.errno, int):
        yield errno.errorcode.get(error.errno, str(error.errno))
    for read in readers:
        yield from read(error)


def identify(error: BaseException, readers: Iterable[FactReader] = ()) -> ErrorIdentity:
    """Return the identity of an error."""
    chain, readers = list_chain(error), tuple(readers)
    types = tuple(dict.fromkeys(name_type(type(one)) for one in chain))
    facts = tuple(fact for one in chain for fact in list_facts(one, readers))
    frames = choose_frames([frame for one in chain for frame in list_frames(one)])
    return build_identity(types, facts, frames)


def build_identity(types: Sequence[str], facts: Sequence[str], frames: Sequence[str]) -> ErrorIdentity:
    """Return the identity for types, facts and frames."""
    parts = ("\0".join(types), "\0".join(facts), "\0".join(frames))
    digest = hashlib.sha256("\1".join(parts).encode("utf-8", "backslashreplace")).hexdigest()[:16]
    fingerprint = f"{VERSION}:{digest}"
    place = frames[-1] if frames else "nowhere"
    return ErrorIdentity(fingerprint, compute_reference(fingerprint), types[0], place, tuple(frames))


def choose_frames(frames: Sequence[Frame]) -> tuple[str, ...]:
    """Return the frames that tell the way of an error: up to five of ours, else the innermost of all."""
    own = [frame for frame in frames if frame[0].partition(".")[0] in OWN_PACKAGES]
    telling = [frame for frame in own if not frame[0].startswith(PLUMBING)]
    chosen = telling or own[-1:] or list(frames[-1:])
    named = [f"{'bot' if module == '__main__' else module}:{code.co_qualname}" for module, code in chosen]
    return tuple([name for name, _ in groupby(named)][-FRAMES:])


def compute_reference(fingerprint: str) -> str:
    """Return the code of a group for people: equal for equal fingerprints, in every process."""
    number = int.from_bytes(hashlib.sha256(fingerprint.encode()).digest()[:8])
    code = ""
    for _ in range(REFERENCE_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        code += _ALPHABET[digit]
    return code


OVERFLOWN = ErrorIdentity(OVERFLOW, compute_reference(OVERFLOW), "overflow", "many places", ())
"""The identity of the group for all others."""


def build_key(error: BaseException, readers: Sequence[FactReader] = ()) -> tuple[object, ...]:
    """Return the things that decide the identity of an error, for a look-up: this takes 2 microseconds.

    The ids of code objects stand for the frames, so the code has to be kept as long as the key.
    """
    key: list[object] = []
    one: BaseException | None = error
    for _ in range(LONGEST_CHAIN):
        if one is None:
            break
        kind = type(one)
        key.append(kind)
        if isinstance(one, OSError) or kind.__module__.partition(".")[0] not in _WITHOUT_FACTS:
            key.extend(list_facts(one, readers))
        way: list[int] = []
        step = one.__traceback__
        while step is not None:
            way.append(id(step.tb_frame.f_code))
            step = step.tb_next
        key.extend(way[-LONGEST_WAY:])
        one = one.__cause__
    return tuple(key)


_WITHOUT_FACTS = frozenset({"builtins", *OWN_PACKAGES})
