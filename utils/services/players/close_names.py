"""Close names: whether a typed text can be a typing error for a name. Both are folded (``fold_text``)."""

CLOSE_SHARE = 0.5
MOST_WRONG_LETTERS = 2


def is_close(wanted: str, name: str, share: float) -> bool:
    """Tell whether a text can be a typing error for a name.

    They share at least half of the letter pairs of the text (``share``), or they differ by a few letters: one
    of three, two of six or more.
    """
    allowed = min(MOST_WRONG_LETTERS, len(wanted) // 3)
    return share >= CLOSE_SHARE or count_wrong_letters(wanted, name, allowed) <= allowed


def count_wrong_letters(wanted: str, name: str, limit: int) -> int:
    """Return the least number of letters to add, remove, replace or exchange with the next one.

    Beyond ``limit`` it stops to count and returns ``limit`` + 1.
    """
    if abs(len(wanted) - len(name)) > limit:
        return limit + 1
    before: list[int] = []
    last = list(range(len(name) + 1))
    for row, letter in enumerate(wanted, start=1):
        costs = [row]
        for column, other in enumerate(name, start=1):
            cost = min(last[column] + 1, costs[-1] + 1, last[column - 1] + (letter != other))
            is_exchanged = row > 1 and column > 1 and wanted[row - 2] == other and name[column - 2] == letter
            costs.append(min(cost, before[column - 2] + 1) if is_exchanged else cost)
        before, last = last, costs
    return min(last[-1], limit + 1)
