"""The pages and the REST API: stateless, without torch, and without a job in memory.

``routes`` is the table of every URL; ``pages`` answers people, ``api`` programs; both ask ``digits.store`` and nothing else.
"""
