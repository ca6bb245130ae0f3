"""Repositories: read and store data; each method takes its scope first."""
