"""Words for the choices about posts of events and players."""

from datetime import timedelta

from utils.models.missions import LEVEL_NAMES
from utils.models.texts import Mention, Span, Value, text_in


def describe_event_value(name: str, value: object) -> Value:
    """Return a choice by the name of its field."""
    match name:
        case "is_on" | "is_edited":
            return text_in("a setting", "on") if value else text_in("a setting", "off")
        case "min_level" | "mention_level":
            return LEVEL_NAMES[int(str(value))]
        case "role_id":
            return Mention("@&", int(str(value)))
        case "cooldown_minutes":
            return Span(timedelta(minutes=int(str(value))))
        case _:
            return Span(timedelta(seconds=int(str(value))))
