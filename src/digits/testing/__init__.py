"""Conformance: what every extension has to hold, as functions that a test of its author calls.

``datasets.check_dataset``, ``frameworks.check_framework``, ``views.check_view`` and ``executors.check_executor`` run the extension as the product runs it, in real
worker processes, and raise ``AssertionError`` with words for the first promise that is broken. ``plugin`` is a pytest plugin with the fixture
``digits_server``: a server of a test's own with a client. docs/howto/plugin.md shows both at work.
"""
