"""Delivery: posts each notice of the outbox once and in order, also after failures."""
