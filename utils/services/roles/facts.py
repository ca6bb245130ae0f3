"""The facts of a change of a rule, for the audit."""

from dataclasses import fields

from utils.models.audit import AuditFacts, FactValue, FieldChange
from utils.models.roles import RoleRule, RuleTerms


def describe_rule(rule: RoleRule) -> AuditFacts:
    """Return the facts of a rule that ended."""
    return AuditFacts(changes=list_term_changes(rule.terms, None))


def list_term_changes(before: RuleTerms | None, after: RuleTerms | None) -> tuple[FieldChange, ...]:
    """Return the terms that differ, by name; the role always, so that an entry names it."""
    changes = [
        FieldChange(one.name, _read(before, one.name), _read(after, one.name)) for one in fields(RuleTerms)
    ]
    return tuple(change for change in changes if change.old != change.new or change.name == "role_id")


def _read(terms: RuleTerms | None, name: str) -> FactValue:
    value: object = None if terms is None else getattr(terms, name)
    return value if value is None or isinstance(value, int) else str(value)
