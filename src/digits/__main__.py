"""``python -m digits [-p PORT]``: DIGITS' name for ``digits-devserver``."""

from digits.cli.serve import devserver

if __name__ == "__main__":
    devserver()
