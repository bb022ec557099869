"""The fields of a text file source."""

from __future__ import annotations

from typing import ClassVar, Literal

from digits.core.spec import Spec, field

_LINES = "One picture a line: its path or address, a blank or tab, and the number of its class, from 0."
_FOLDER = "Goes before each path that is not absolute. Blank: the folder of a list on the server."


class TextfileSource(Spec):
    """Lists of pictures with their classes."""

    prefix: ClassVar[str] = "textfile_"
    method: Literal["textfile"] = field("textfile", title="Use Text Files", flat="method")
    use_local_files: bool = field(
        False,
        title="Use local paths on server",
        description="The lists lie on the server; else they are sent with the form.",
    )
    train_images: str = field("", title="Training set", widget="file", description=_LINES)
    local_train_images: str = field("", title="Training set", widget="path", description=_LINES, max_length=4096)
    train_folder: str = field("", title="Image folder (optional)", widget="path", description=_FOLDER, max_length=4096)
    use_val: bool = field(True, title="Validation set", description="A list of pictures to measure the training by.")
    val_images: str = field("", title="Validation set", widget="file", description=_LINES)
    local_val_images: str = field("", title="Validation set", widget="path", description=_LINES, max_length=4096)
    val_folder: str = field("", title="Image folder (optional)", widget="path", description=_FOLDER, max_length=4096)
    use_test: bool = field(False, title="Test set", description="A list of pictures for the test at the end.")
    test_images: str = field("", title="Test set", widget="file", description=_LINES)
    local_test_images: str = field("", title="Test set", widget="path", description=_LINES, max_length=4096)
    test_folder: str = field("", title="Image folder (optional)", widget="path", description=_FOLDER, max_length=4096)
    shuffle: Literal[1, 0] = field(
        1,
        title="Shuffle lines",
        choices={1: "Yes", 0: "No"},
        description="The pictures are written in a new order; else in that of the lists.",
    )
    labels_file: str = field(
        "",
        title="Labels",
        widget="file",
        description="The names of the classes, one a line: the first is that of class 0.",
    )
    local_labels_file: str = field(
        "",
        title="Labels",
        widget="path",
        description="The names of the classes, one a line: the first is that of class 0.",
        max_length=4096,
    )
