"""Texts: sentences for people, which are values until they are shown.

*Theory of operation.* A ``Text`` holds an English sentence with named places and the values that go there. It
does not depend on a language. The writer of a language (``utils/localization``) looks the sentence up and
writes each value as that language does. ``str(text)`` is its English, for logs.

A plain ``str`` as a value is foreign text (a name, a line of a log, typed text) and is escaped where it is
shown as Markdown. Numbers, times and commands have a type each, so that nobody writes them by hand.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

NO_BREAK_SPACE = "\u00a0"


@dataclass(frozen=True, slots=True)
class Number:
    """A number with its thousands grouped: ``1,234``; rounded to ``decimals``."""

    value: float
    decimals: int = 0


@dataclass(frozen=True, slots=True)
class Metres:
    """A distance: ``123 m``."""

    value: float

    def describe(self) -> "Text":
        """Return the number with its unit."""
        return text_in("distance", "{number} m", number=Number(self.value))


@dataclass(frozen=True, slots=True)
class Share:
    """A part of a whole in per cent: ``12.5 %``; a part of nothing is ``0.0 %``."""

    part: float
    whole: float

    def describe(self) -> "Text":
        """Return the number with its sign."""
        return text_in("share", "{number} %", number=Number(100 * self.part / max(self.whole, 1), 1))


@dataclass(frozen=True, slots=True)
class Span:
    """How long something took, in its two largest units: ``3 min 20 s``."""

    value: timedelta

    def describe(self) -> "Text":
        """Return the numbers with their units."""
        seconds = max(round(self.value.total_seconds()), 0)
        days, hours = Number(seconds // 86400), Number(seconds // 3600 % 24)
        minutes, rest = Number(seconds // 60 % 60), Number(seconds % 60)
        parts = {
            text_in("duration", "{number} d", number=days): days,
            text_in("duration", "{number} h", number=hours): hours,
            text_in("duration", "{number} min", number=minutes): minutes,
            text_in("duration", "{number} s", number=rest): rest,
        }
        shown = [part for part, number in parts.items() if number.value][:2]
        return join(shown or list(parts)[-1:])


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment, as each reader's own client shows it.

    Attributes:
        style: Discord's letter: ``R`` relative, ``t`` short time, ``f`` date and time, ``D`` date. Where only
            plain text can be shown, it is written as date and time in UTC.
    """

    at: datetime
    style: str = "R"


@dataclass(frozen=True, slots=True)
class Day:
    """A day of a calendar: ``02 Apr 2025``, or without its year ``02 Apr``."""

    value: date
    has_year: bool = True


@dataclass(frozen=True, slots=True)
class Command:
    """A command of the bot by its full name without the slash, and its options."""

    name: str
    options: str = ""


@dataclass(frozen=True, slots=True)
class Mention:
    """A member, a channel or a role of Discord; ``sign`` is ``@``, ``#`` or ``@&``."""

    sign: str
    id: int


@dataclass(frozen=True, slots=True)
class Code:
    """Foreign text that is shown exactly: a reference, a key, a path."""

    value: str


@dataclass(frozen=True, slots=True)
class Names:
    """Several values in a row: ``Mirny, Kamensk``."""

    values: "tuple[Value, ...]"


@dataclass(frozen=True, slots=True)
class Text:
    """A sentence of the bot, made by ``text``, ``plural`` and ``text_in``; compared by its content.

    Attributes:
        source: the English, with places such as ``{name}``.
        values: the value for each place.
        context: tells meanings apart for which English has the same word.
        many: the English for any other number than one; empty where the number makes no difference.
        count: that number.
    """

    source: str
    values: "tuple[tuple[str, Value], ...]" = ()
    context: str = ""
    many: str = ""
    count: int = 0

    def __str__(self) -> str:
        """Return its English, for logs."""
        return ENGLISH.write(self)


Value = str | Text | Number | Metres | Share | Span | Moment | Day | Command | Mention | Code | Names
"""A value for a place of a text, or to be shown by itself."""


def text(source: str, /, **values: Value) -> Text:
    """Return a text; the English has to be one literal, so that it can be translated."""
    return Text(source, tuple(values.items()))


def plural(one: str, many: str, count: float, /, **values: Value) -> Text:
    """Return a text that depends on a number, which is put at ``{count}``; rounded to a whole one."""
    whole = round(count)  # exact, also for sums that no float holds
    return Text(one, (("count", Number(whole)), *values.items()), many=many, count=whole)


def text_in(context: str, source: str, /, **values: Value) -> Text:
    """Return an ambiguous English text; ``context`` tells translators the meaning."""
    return Text(source, tuple(values.items()), context=context)


def join(texts: Sequence[Value], by: str = " ") -> Text:
    """Return several whole sentences or lines as one text; never join parts of one sentence."""
    places = {f"part{number}": each for number, each in enumerate(texts)}
    return Text(by.join(f"{{{place}}}" for place in places), tuple(places.items()))


@dataclass(frozen=True, slots=True)
class Numerals:
    """How a language writes numbers.

    Attributes:
        group: the sign between thousands.
        decimal: the sign before decimals.
        minus: the sign before a negative number.
    """

    group: str = ","
    decimal: str = "."
    minus: str = "-"

    def write(self, number: float, decimals: int = 0) -> str:
        """Return a number, rounded to ``decimals``."""
        written = f"{number:,.{decimals}f}" if decimals else f"{round(number):,}"
        signs = {",": self.group, ".": self.decimal, "-": self.minus}
        return "".join(signs.get(sign, sign) for sign in written)


class TextWriter:
    """Writes values in plain English; a language, or a place that shows markup, replaces parts of it."""

    numerals = Numerals()

    def write(self, value: Value) -> str:  # noqa: C901, PLR0911 - one line for each type
        """Return a value as people read it."""
        match value:
            case str():
                return self.write_foreign(value)
            case Text():
                parts = {name: self.write(each) for name, each in value.values}
                return self.find_form(value).format_map(parts)
            case Number():
                return self.numerals.write(value.value, value.decimals)
            case Metres():  # a line does not end between the number and its unit
                return self.write(value.describe()).replace(" ", NO_BREAK_SPACE)
            case Share() | Span():
                return self.write(value.describe())
            case Moment():
                return self.write_moment(value)
            case Day():
                return self.write_day(value)
            case Command():
                return self.write_command(value)
            case Mention():
                return f"<{value.sign}{value.id}>"
            case Code():
                return self.write_code(value)
            case Names():
                return ", ".join(self.write(each) for each in value.values)

    def find_form(self, each: Text) -> str:
        """Return the sentence in this language, in the form for its number, its places still open."""
        return each.many if each.many and abs(each.count) != 1 else each.source

    def write_foreign(self, foreign: str) -> str:
        """Return foreign text as it can be shown here."""
        return foreign

    def write_code(self, code: Code) -> str:
        """Return foreign text that is shown exactly."""
        return self.write_foreign(code.value)

    def write_command(self, command: Command) -> str:
        """Return a command as people type it."""
        return f"/{command.name} {command.options}".rstrip()

    def write_moment(self, moment: Moment) -> str:
        """Return date and time in UTC."""
        return moment.at.astimezone(UTC).strftime("%d %b %Y, %H:%M UTC")

    def write_day(self, day: Day) -> str:
        """Return a day with the short name of its month."""
        return f"{day.value:%d %b %Y}" if day.has_year else f"{day.value:%d %b}"


ENGLISH = TextWriter()
"""Plain English, for ``str(text)``."""
