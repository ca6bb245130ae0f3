"""Rejections: why a line of a log cannot be read. Stored as a code and facts, like problems."""

from enum import unique

from utils.models.coded_texts import CodedText, sentence, sentences


@unique
class RejectionReason(CodedText):
    """Why a line does not fit; it holds no part of the line itself."""

    TOO_LONG = sentence("longer than {limit} bytes")
    EMPTY = sentence("empty line")
    NO_SEMICOLON = sentence("no semicolon at the end")
    COLUMNS = sentences("{count} column instead of 7 or 9", "{count} columns instead of 7 or 9")
    AMBIGUOUS = sentence("the columns can mean two things")
    NO_IDS = sentence("no valid player ids")
    NO_VICTIM = sentence("no victim name")
    PLATFORM = sentence("platform too long")
    TIME = sentence("unreadable time")
    IMPOSSIBLE_TIME = sentence("impossible time")
    TOO_EARLY = sentence("dated before {year}")
    IN_THE_FUTURE = sentence("dated too far in the future")
    DISTANCE = sentence("unreadable distance")
    NOT_STORED = sentence("could not be stored ({failure})")
