"""Personal data: whose it is, handing it out, and erasing it."""
