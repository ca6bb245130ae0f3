"""Wallets, bounties and what kills earn."""
