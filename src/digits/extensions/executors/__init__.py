"""Built-in capabilities: executors."""
