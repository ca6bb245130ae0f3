"""Probes: each measures one thing and judges it by the limits of its kind."""
