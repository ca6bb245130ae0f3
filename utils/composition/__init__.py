"""The rooms joined: each part is built by a function, whose arguments tests may replace."""
