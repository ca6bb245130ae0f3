"""The rules. Services know neither Discord nor MongoDB nor SSH; each declares what it needs as Protocols."""
