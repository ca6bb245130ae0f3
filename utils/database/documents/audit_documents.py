"""Documents of the audit."""

from utils.database.documents.codec import Codec, Document
from utils.models.audit import AuditEntry

AUDIT = Codec(AuditEntry, without=frozenset({"facts"}))


def build_audit_document(entry: AuditEntry) -> Document:
    """Return an entry as it is stored; only facts that are there."""
    return {**AUDIT.build(entry), "facts": entry.facts.list_fields()}
