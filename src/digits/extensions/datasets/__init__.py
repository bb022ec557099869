"""Built-in capabilities: datasets."""
