"""The rules. Services know neither Discord nor MongoDB nor SSH; they declare Protocols for what they need."""
