"""The audit inside a transaction: a change by hand and its entry are stored together, or neither."""

from utils.database.core.transaction import Transaction
from utils.database.documents.audit_documents import build_audit_document
from utils.models.audit import AuditEntry
from utils.models.scope import GuildId


def insert_entry(transaction: Transaction, guild_id: GuildId, entry: AuditEntry | None) -> None:
    """Add the entry of what this very transaction changes; there is none where nobody does it by hand."""
    if entry is not None:
        transaction.of_guild("audit", guild_id).insert_one(build_audit_document(entry))
