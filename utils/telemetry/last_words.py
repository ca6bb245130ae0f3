"""Last words: what ended a process, read by the next one.

*Theory of operation.* An error that ends the process is written to ``status/last-words.json`` before the end:
its class, its way through our code and its plain words, never its message. A crash of the interpreter itself
leaves its stack in ``status/faults.log`` (``faulthandler``), like a process that is ended because it does not
stop. The next start reports them once, and keeps the stacks in ``status/faults-before.log``. A process that
was killed leaves neither.
"""

import faulthandler
import json
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from structlog import get_logger

from utils.errors import ConfigurationError
from utils.models.error_groups import ErrorCategory
from utils.telemetry.fingerprints import ErrorIdentity, build_identity

STATUS_FOLDER = "status"
LAST_WORDS_NAME = "last-words.json"
FAULTS_NAME = "faults.log"
FAULTS_BEFORE_NAME = "faults-before.log"
MOST_READ = 200_000  # bytes of the stacks that are read

_FATAL = re.compile(r"^(?:Fatal Python error: (?P<kind>.+)|Timeout \(.*\)!)$", re.MULTILINE)
_FRAME = re.compile(r'^  File "([^"]+)", line \d+ in (\S+)$', re.MULTILINE)
_THREAD = re.compile(r"^(?:Current t|T)hread 0x[0-9a-f]+ ", re.MULTILINE)
_OWN = re.compile(r"(?:^|/)((?:utils|cogs)/.+|bot)\.py$")
_FRAMES = 5

_log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class LastWords:
    """The error that ended a process.

    Attributes:
        at: the moment; None if it is not known.
    """

    identity: ErrorIdentity
    category: ErrorCategory
    text: str
    at: datetime | None = None


def write_last_words(folder: Path, words: LastWords) -> None:
    """Write what ends this process; a full disk takes nothing."""
    document = {
        "at": None if words.at is None else words.at.isoformat(),
        "category": words.category.value,
        "text": words.text,
        **asdict(words.identity),
    }
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (folder / LAST_WORDS_NAME).write_text(f"{json.dumps(document)}\n", "utf-8")


def take_last_words(folder: Path) -> list[LastWords]:
    """Return what ended the processes before, and forget it."""
    return [*_take_words(folder / LAST_WORDS_NAME), *_take_faults(folder / FAULTS_NAME)]


@contextmanager
def keep_faults(folder: Path) -> Iterator[None]:
    """Let a crash of the interpreter leave its stack in the folder during a block."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (folder / FAULTS_NAME).open("a", encoding="utf-8") as file:
        faulthandler.enable(file)
        try:
            yield
        finally:
            faulthandler.disable()


@contextmanager
def last_words(
    folder: Path, *, describe: Callable[[BaseException], LastWords], count: Callable[[LastWords], None]
) -> Iterator[None]:
    """Count what ended the processes before, and write what ends this one during a block.

    Args:
        folder: the folder of both files; made if it is missing.
        describe: returns what is kept of an error.
        count: takes what ended a process before.
    """
    for words in take_last_words(folder):
        count(words)
    with keep_faults(folder):
        try:
            yield
        except ConfigurationError:
            raise  # its text says what to do, to the person who starts the bot
        except Exception as error:
            write_last_words(folder, describe(error))
            raise


def read_fault(stack: str) -> ErrorIdentity | None:
    """Return the identity of a crash, by the stack of the thread that crashed; None if it is none."""
    fatal = _FATAL.search(stack)
    if fatal is None:  # stacks alone: the bot did not stop in time
        return build_identity(("fatal.EndedByForce",), (), ()) if _THREAD.search(stack) else None
    first = stack[fatal.end() :].split("\n\n", 2)
    frames = _FRAME.findall("\n".join(first[:2]))
    own = [f"{name}:{function}" for file, function in frames if (name := _name_module(file))]
    kept = tuple(reversed(own[:_FRAMES]))
    kind = (fatal["kind"] or "timeout").partition(":")[0].title()
    return build_identity((f"fatal.{re.sub('[^A-Za-z]', '', kind)}",), (), kept)


def _name_module(file: str) -> str | None:
    found = _OWN.search(file)
    return None if found is None else found[1].replace("/", ".")


def _take_words(file: Path) -> Sequence[LastWords]:
    try:
        document = json.loads(file.read_text("utf-8"))
        file.unlink()
        named = {name: str(document[name]) for name in ("fingerprint", "reference", "error_type", "place")}
        identity = ErrorIdentity(**named, frames=tuple(map(str, document["frames"])))
        at = document["at"]
        category, text = ErrorCategory(document["category"]), str(document["text"])
        return [LastWords(identity, category, text, None if at is None else datetime.fromisoformat(at))]
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, KeyError, TypeError) as failure:
        _log.warning("last words cannot be read", problem=type(failure).__name__)
        return ()


def _take_faults(file: Path) -> Sequence[LastWords]:
    try:
        with file.open("r+", encoding="utf-8", errors="replace") as opened:
            stack = opened.read(MOST_READ)
            if stack:
                file.with_name(FAULTS_BEFORE_NAME).write_text(stack, "utf-8")  # for people
            opened.truncate(0)
    except FileNotFoundError:
        return ()
    except OSError as failure:
        _log.warning("faults cannot be read", problem=type(failure).__name__)
        return ()
    identity = read_fault(stack)
    return () if identity is None else [LastWords(identity, ErrorCategory.RESOURCES, "")]
