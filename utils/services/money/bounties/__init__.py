"""Bounties: placing, listing and cancelling them, and what becomes of those nobody claims."""
