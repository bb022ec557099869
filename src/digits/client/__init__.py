"""The Python client of a running server: ``Client(address).dataset.create(folder_train=..., dataset_name=...)``.

Its methods are named as the verbs of the command line, which is built on it. It speaks nothing but the REST API.
"""

from digits.client.client import Client
from digits.client.errors import NoServerError, RefusedError

__all__ = ["Client", "NoServerError", "RefusedError"]
