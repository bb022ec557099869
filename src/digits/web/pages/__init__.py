"""What people see: one module a noun, each handler one page; forms that come back with problems are shown by the same functions."""
