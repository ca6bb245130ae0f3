"""Units of work: the code of transactions."""
