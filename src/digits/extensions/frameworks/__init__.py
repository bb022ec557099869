"""Built-in capabilities: frameworks."""
