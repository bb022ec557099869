"""``python -m digits.download_data mnist DIR``: DIGITS' name for ``digits download mnist DIR``."""

from digits.cli.download import main

if __name__ == "__main__":
    main()
