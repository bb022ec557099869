"""Words everybody shares: specs, events, errors, settings, the job folder, extension and executor protocols.

Imports nothing of the project, and of others only pydantic and psutil.
"""
