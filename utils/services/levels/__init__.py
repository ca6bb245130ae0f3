"""Levels: telling of them, the answer of ``/rank``, and times of more XP."""
