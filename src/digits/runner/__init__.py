"""The one process that starts work, watches it and tells the store: the queue, GPUs and slots, services, the tail of events.

Trainings do not need it: they go on when it is killed, and the next one takes them over.
"""
