"""Networks written as Python with PyTorch: the text, what it makes, and what is told of it."""
