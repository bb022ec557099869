"""Built-in capabilities, found through the same entry points as anybody else's plugin."""
