"""What is said of a folder at an address before a job exists. It runs in the web process, and asks a web server alone."""

from __future__ import annotations

from digits.core.errors import DataError
from digits.core.settings import Settings
from digits.data.addresses import is_address


def tree_problem(root: str, settings: Settings) -> str:
    """Return why the folder at an address cannot be used, as far as can be told at once; empty where it can."""
    from digits.data.remote.buckets import checked, require_library  # which take a tenth of a second to load
    from digits.data.remote.webindex import WebTree

    try:
        if not is_address(root):
            protocol, _ = checked(root, settings)
            require_library(protocol)
            return ""
        with WebTree(root, settings, tries=1) as tree:
            folders = tree.list(root).folders
    except DataError as error:
        return f"{root} cannot be used: {error}"
    if folders:
        return ""
    return (
        f"{root} has no links to sub-folders: the index page of a folder with one sub-folder for each class is needed."
    )
