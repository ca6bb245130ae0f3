"""Logs and error references; the only room that configures structlog."""
