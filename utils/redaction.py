"""Redaction: keeps secrets out of everything that is written: known secrets, and texts that look like one."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from typing import Any

from utils.models.scope import GuildId, ServerScope

REGISTERED_LENGTH_MINIMUM = 4  # masking shorter texts would mask parts of every log
LONG_CHARACTERS = 8  # a shorter text may be a part of any word
MASK = "***"

_PLAIN_KEYS = frozenset({"timestamp", "level", "logger", "system", "version", "id", "parent"})
"""The bot's own words and numbers."""

_OUR_LOGGERS = ("utils.", "cogs.", "bot", "__main__")
"""Their events are literals of the code; variable parts are in other values."""

_PATTERNS = (
    (("-----",), r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", MASK),
    (("mongodb",), r"(\bmongodb(?:\+srv)?://)[^/@\s]*@", rf"\1{MASK}@"),
    (("bot", "bearer"), r"(\b(?:bot|bearer)\s+)[\w.~+/=-]{20,}", rf"\1{MASK}"),
    ((".",), r"\b[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}", MASK),
    (
        ("passw", "secret", "_key", "token"),
        r"((?:passw(?:or)?d|secret|secret_key|private_key|token)[\"']?\s*[=:]\s*[\"']?)[^\s\"',;?&})]+",
        rf"\1{MASK}",
    ),
    (("remoteaddr",), r"(\bRemoteAddr:\s*)[\d.:a-f\[\]]+", rf"\1{MASK}"),
    (("eos", "platform"), r"(\b(?:eosid|platformid)=)[^\s?]+", rf"\1{MASK}"),
)
"""Texts that look like a secret: key blocks, logins in database URIs, authorization headers, bare bot tokens,
``password=``, and the address and accounts of a client in lines of the game's log.

Each entry begins with a text, case folded. The expression is tried only if a text holds it. (No ``i`` is in
it, because ``i`` also matches the dotless one, which folds to itself.)
"""

_COMPILED = tuple(
    (hints, re.compile(text, re.IGNORECASE | re.DOTALL), mask) for hints, text, mask in _PATTERNS
)
_SECRET_NAME = re.compile(r"(?:^|_)(?:password|passwd|token|secret|secret_key|private_key)$", re.IGNORECASE)


class _Words:
    """Texts to be masked, by their first characters: masking costs the same with ten thousand of them.

    Args:
        is_typed: people chose the texts. A short one may be a part of any word, so it is masked only as a
            whole word.
    """

    def __init__(self, *, is_typed: bool = True) -> None:
        self._is_typed = is_typed
        self._counts: Counter[str] = Counter()
        self._by_beginning: defaultdict[str, dict[str, re.Pattern[str]]] = defaultdict(dict)

    def __bool__(self) -> bool:
        return bool(self._counts)

    def add(self, value: str) -> None:
        """Mask a text until it is removed as often as it was added."""
        self._counts[value] += 1
        if self._counts[value] == 1:
            is_short = self._is_typed and len(value) < LONG_CHARACTERS
            text = rf"(?<!\w){re.escape(value)}(?!\w)" if is_short else re.escape(value)
            self._by_beginning[value[:REGISTERED_LENGTH_MINIMUM]][value] = re.compile(text)

    def remove(self, value: str) -> None:
        """Remove a text once."""
        self._counts[value] -= 1
        if self._counts[value] <= 0:
            del self._counts[value]
            known = self._by_beginning[value[:REGISTERED_LENGTH_MINIMUM]]
            known.pop(value, None)
            if not known:
                del self._by_beginning[value[:REGISTERED_LENGTH_MINIMUM]]

    def mask(self, text: str) -> str:
        """Return the text without them, the longest first, because one may hold another."""
        length = REGISTERED_LENGTH_MINIMUM
        beginnings = {text[at : at + length] for at in range(len(text) - length + 1)}
        found = {
            value: pattern
            for beginning in self._by_beginning.keys() & beginnings
            for value, pattern in tuple(self._by_beginning.get(beginning, {}).items())  # threads log as well
        }
        for value in sorted(found, key=len, reverse=True):
            text = found[value].sub(MASK, text)
        return text


def _spell(values: Iterable[str | None]) -> Iterator[str]:
    """Yield the masked forms of secrets: each as it is, and as ``repr`` shows it."""
    for value in values:
        if value and len(value) >= REGISTERED_LENGTH_MINIMUM:
            yield from {value, repr(value)[1:-1]}


def _is_uncommon(text: str) -> bool:
    """Tell whether a text is unlikely to appear in a log by chance: long, and not of plain words."""
    kinds = (str.islower, str.isupper, str.isdigit, lambda one: not one.isalnum() and not one.isspace())
    return len(text) >= LONG_CHARACTERS and sum(any(map(kind, text)) for kind in kinds) > 1


class Redactor:
    """Masks secrets in texts. As a structlog processor it comes last, after exceptions were formatted.

    The bot's own secrets are masked everywhere. The secrets of a login were typed by people and may be common
    words. So they are masked only in the records of their guild, as long as they are tried or stored, and in
    records without a guild if they are unlikely to appear by chance. The names of values, times, levels,
    systems, correlation ids, and the events of the bot's own code are never masked.
    """

    def __init__(self) -> None:
        self._own = _Words(is_typed=False)
        self._of_guilds: defaultdict[int, _Words] = defaultdict(_Words)
        self._uncommon = _Words()
        self._stored: dict[ServerScope, tuple[str, ...]] = {}

    def register(self, *values: str | None) -> None:
        """Mask secrets of the bot itself in all records from now on."""
        for text in _spell(values):
            self._own.add(text)

    def learn(self, scope: ServerScope, *values: str | None) -> None:
        """Mask the stored login of a server, instead of its earlier one."""
        spelled = tuple(_spell(values))
        if self._stored.get(scope) != spelled:
            self.forget(scope)
            self._stored[scope] = spelled
            self._add(scope.guild_id, spelled)

    def forget(self, scope: ServerScope) -> None:
        """Stop masking the login of a server."""
        self._remove(scope.guild_id, self._stored.pop(scope, ()))

    @contextmanager
    def trying(self, guild_id: GuildId, *values: str | None) -> Iterator[None]:
        """Mask a typed login while it is tried."""
        spelled = tuple(_spell(values))
        self._add(guild_id, spelled)
        try:
            yield
        finally:
            self._remove(guild_id, spelled)

    def redact(self, text: str) -> str:
        """Return a text that belongs to no guild, without secrets."""
        return self._mask(text, (self._own, self._uncommon))

    def __call__(self, _logger: Any, _method: str, event: Mapping[str, Any]) -> dict[str, Any]:
        """Redact every text of a log event at any depth; a value with a secret's name is masked whole."""
        guild_id = _find_guild(event)
        known = self._uncommon if guild_id is None else self._of_guilds.get(guild_id)
        words = tuple(one for one in (self._own, known) if one)
        own = (self._own,) if self._own else ()
        is_ours = str(event.get("logger", "")).startswith(_OUR_LOGGERS)
        return {
            key: value
            if key in _PLAIN_KEYS
            else MASK
            if value and _SECRET_NAME.search(key)
            else self._clean(value, own if is_ours and key == "event" else words)
            for key, value in event.items()
        }

    def _add(self, guild_id: GuildId, spelled: Iterable[str]) -> None:
        for text in spelled:
            self._of_guilds[guild_id].add(text)
            if _is_uncommon(text):
                self._uncommon.add(text)

    def _remove(self, guild_id: GuildId, spelled: Iterable[str]) -> None:
        for text in spelled:
            self._of_guilds[guild_id].remove(text)
            if _is_uncommon(text):
                self._uncommon.remove(text)
        if not self._of_guilds[guild_id]:
            del self._of_guilds[guild_id]

    def _mask(self, text: str, words: Iterable[_Words]) -> str:
        for one in words:
            text = one.mask(text)
        folded = text.casefold()
        for hints, pattern, replacement in _COMPILED:
            if any(hint in folded for hint in hints):
                text = pattern.sub(replacement, text)
        return text

    def _clean(self, value: Any, words: tuple[_Words, ...]) -> Any:
        match value:
            case str():
                return self._mask(value, words)
            case bytes():
                return self._mask(value.decode("utf-8", "replace"), words)
            case Mapping():
                named = ((self._clean_key(key), one) for key, one in value.items())
                return {
                    key: MASK if one and _SECRET_NAME.search(key) else self._clean(one, words)
                    for key, one in named
                }
            case list() | tuple() | set() | frozenset():
                return [self._clean(item, words) for item in value]
            case bool() | int() | float() | None:
                return value
            case _:
                return repr(value) if isinstance(value, date) else self._mask(repr(value), words)

    def _clean_key(self, key: Any) -> str:
        """Return a key as text; the bot's own secrets are masked even in it."""
        return str(self._clean(key, (self._own,)))


def _find_guild(event: Mapping[str, Any]) -> int | None:
    """Return the guild of a record, by its values; None if it has none."""
    for key in ("guild_id", "guild"):
        if isinstance(value := event.get(key), int):
            return value
    guild_id, slash, _ = str(event.get("scope", "")).partition("/")
    return int(guild_id) if slash and guild_id.isdecimal() else None
