"""Bounties: placing, listing, cancelling, and ending those that were not claimed."""
