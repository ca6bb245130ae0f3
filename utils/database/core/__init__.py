"""The base of all storage: threads, transactions, scopes, indexes."""
