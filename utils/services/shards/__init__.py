"""Shards: which process serves which of them."""
