"""Repositories: the domain's questions to MongoDB, scope first; values in, values out."""
