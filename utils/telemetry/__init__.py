"""Logs and error references; the only package that configures structlog."""
