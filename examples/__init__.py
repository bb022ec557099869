"""Examples: a folder each, run by ``python -m examples.<name>.run`` in the folder of the project."""
