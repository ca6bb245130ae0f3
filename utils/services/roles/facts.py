"""The facts of a change of a rule, for the audit."""

from dataclasses import fields

from utils.models.audit import AuditFacts, FactValue, FieldChange
from utils.models.roles import NamedTerms, RuleTerms


def describe_change(before: NamedTerms | None, after: NamedTerms | None) -> AuditFacts:
    """Return the facts of a rule that was made, changed or ended."""
    named = after or before
    return AuditFacts(
        changes=_list_changes(before, after), server_name=None if named is None else named.server_name
    )


def _list_changes(before: NamedTerms | None, after: NamedTerms | None) -> tuple[FieldChange, ...]:
    """Return the terms that differ, by name; the role always, so that an entry names it."""
    changes = [
        FieldChange(one.name, _read(before, one.name), _read(after, one.name)) for one in fields(RuleTerms)
    ]
    return tuple(change for change in changes if change.old != change.new or change.name == "role_id")


def _read(named: NamedTerms | None, name: str) -> FactValue:
    """Return the value of a term; of a faction its name, which is empty once it is disbanded."""
    value: object = None if named is None else getattr(named.terms, name)
    if name == "faction_id" and named is not None and value is not None:
        return named.faction_name or ""
    return value if value is None or isinstance(value, int) else str(value)
