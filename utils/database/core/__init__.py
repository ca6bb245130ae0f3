"""What everything stored goes through: threads, transactions, scopes, indexes."""
