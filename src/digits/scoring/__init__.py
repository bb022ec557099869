"""What answers say about a model: confusion, precision and recall, how far its confidence can be trusted. Numpy alone.

Answers are added a batch at a time, and what is kept does not grow with them; so a database of any size can be scored.
A worker scores a whole database (``digits.training.targets`` says what of it belongs to a kind of answer), the web process a list.
"""
