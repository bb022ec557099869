"""Ways to show what networks answer."""
