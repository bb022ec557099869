"""The tests mirror src/digits."""
