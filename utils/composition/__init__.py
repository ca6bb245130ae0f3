"""Composition: joins the rooms. A function builds each part, and tests may replace its arguments."""
