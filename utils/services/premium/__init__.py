"""Tiers: what they allow, and who has one."""
