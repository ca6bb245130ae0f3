"""Repositories: what is stored and asked for, each method with its scope first."""
