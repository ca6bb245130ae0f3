"""Answers that still hold bare English."""

NOT_YET = {
    "/activity success",
    "/stats nothing yet",
    "/stats own players summed",
    "/stats success",
    "/weapons of one player",
    "/weapons success",
}
"""Cases by command and name. Take out what you have done; put nothing in."""
