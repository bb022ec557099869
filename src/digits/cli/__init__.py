"""The command line: one command ``digits``, verbs on nouns; all but serving and the machine's own affairs goes through the client.

Exit codes: 0 it worked, 1 the work failed, 2 wrong use or no server. Errors are one line on stderr, with what to do about them.
"""
