"""What holds for all tests: Hypothesis sets no example a time, as a busy machine would fail it."""

from hypothesis import settings

settings.register_profile("digits", deadline=None)
settings.load_profile("digits")
