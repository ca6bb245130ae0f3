"""Wallets, bounties and the pay for kills."""
