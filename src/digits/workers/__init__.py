"""The processes that do the work: ``python -m digits.workers.<name> <job folder>``. Each main is short: read job.json, call, emit.

A worker never opens the database. It speaks through ``events.jsonl`` alone; what it prints is for people (``output.log``).
"""
