"""Standings: boards and ranks of a guild, answered from memory and never stale."""
