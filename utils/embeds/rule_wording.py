"""The sentences of the audit about role rules."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from utils.models.audit import AuditFacts, FactValue, FieldChange
from utils.models.roles import (
    DEFAULT_KEEP,
    DISBANDED_FACTION,
    MATCH_CHOICES,
    RULE_BOARDS,
    RULE_PERIOD_CHOICES,
    NamedTerms,
    RoleId,
    RuleMatch,
    RuleTerms,
)
from utils.models.statistics import Board, Period
from utils.models.texts import Mention, Metres, Names, Number, Text, Value, text, text_in

_NONE = text_in("a setting", "none")
_NAMES: Mapping[str, Text] = {
    "role_id": text_in("a setting", "role"),
    "kills": text_in("a setting", "kills"),
    "kd": text_in("a setting", "K/D"),
    "longest": text_in("a setting", "longest kill"),
    "streak": text_in("a setting", "streak"),
    "level": text_in("a setting", "level"),
    "rank": text_in("a setting", "place"),
    "board": text_in("a setting", "board"),
    "faction_id": text_in("a setting", "faction"),
    "match": text_in("a setting", "match"),
    "server_id": text_in("a setting", "game server"),
    "period": text_in("a setting", "days"),
    "keep": text_in("a setting", "margin"),
    "ladder": text_in("a setting", "ladder"),
}


def describe_rule_facts(facts: AuditFacts) -> Text:
    """Return the sentence about a rule that was made, removed or switched off: the rule in words."""
    values = {one.name: one.old if one.new is None else one.new for one in facts.changes}
    read = {one.name: _READERS[one.name](values.get(one.name)) for one in fields(RuleTerms)}
    terms = RuleTerms(**read)
    role = Mention("@&", terms.role_id)
    named = NamedTerms(terms, facts.server_name, terms.faction_id)  # the audit has its name
    return text("{role}: {rule}", role=role, rule=named.describe())


def describe_rule_changes(facts: AuditFacts) -> Text:
    """Return the sentence about a rule that was changed: its role, and what is different."""
    role = facts.get_change("role_id")
    changes = [_describe_change(one, facts) for one in facts.changes if one.old != one.new]
    mention = Mention("@&", int(str(role.new)))
    return text("{role}: {changes}", role=mention, changes=Names(tuple(changes)))


def _describe_change(change: FieldChange, facts: AuditFacts) -> Text:
    name = _NAMES[change.name]
    if change.name == "server_id":
        return text("{setting}: {value}", setting=name, value=facts.server_name or _NONE)
    old, new = (_show_value(change.name, value) for value in (change.old, change.new))
    return text("{setting}: {old} → {new}", setting=name, old=old, new=new)


def _show_value(name: str, value: FactValue) -> Value:
    if value is None:
        return _NONE
    show = _SHOWN.get(name)
    return Number(int(str(value))) if show is None else show(str(value))


def _optional(kind: Callable[[str], object], default: object = None) -> Callable[[FactValue], Any]:
    return lambda value: default if value is None else kind(str(value))


_SHOWN: Mapping[str, Callable[[str], Value]] = {
    "role_id": lambda one: Mention("@&", int(one)),
    "kd": lambda one: Number(float(one), 2),
    "longest": lambda one: Metres(int(one)),
    "board": lambda one: RULE_BOARDS[Board(one)],
    "faction_id": lambda one: one or DISBANDED_FACTION,
    "match": lambda one: MATCH_CHOICES[RuleMatch(one)],
    "period": lambda one: RULE_PERIOD_CHOICES[Period(one)],
    "ladder": lambda one: one,
}
"""Show the values of an entry; those that are not named here are whole numbers."""

_READERS: Mapping[str, Callable[[FactValue], Any]] = {
    "role_id": lambda value: RoleId(int(str(value))),
    "kills": _optional(int),
    "kd": _optional(float),
    "longest": _optional(int),
    "streak": _optional(int),
    "level": _optional(int),
    "rank": _optional(int),
    "board": _optional(Board, Board.KILLS),
    "faction_id": _optional(str),
    "match": _optional(RuleMatch, RuleMatch.ALL),
    "server_id": _optional(str),
    "period": _optional(Period, Period.ALL),
    "keep": _optional(int, DEFAULT_KEEP),
    "ladder": _optional(str),
}
"""Read the values of an entry, which are numbers and texts."""
