"""A table with a row for each picture."""
