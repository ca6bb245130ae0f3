"""``python -m simulation.pictures``: draw the pictures of the documentation again."""

from simulation.pictures.album import FOLDER, build_pictures


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in build_pictures().items():
        (FOLDER / name).write_text(content, "utf-8")


if __name__ == "__main__":
    main()
