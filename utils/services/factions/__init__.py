"""Factions: names, rules and figures of groups of members."""
