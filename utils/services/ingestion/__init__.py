"""Ingestion: from bytes behind a cursor to stored deaths, counters and notices."""
