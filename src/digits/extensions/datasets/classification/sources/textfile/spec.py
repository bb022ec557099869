"""The fields of a text file source."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from digits.core.spec import Spec, field

if TYPE_CHECKING:
    from digits.data.reader import TargetKind

_LINES = "One picture a line: its path or address, a blank or tab, and the number of its class, from 0."
KINDS: dict[str, TargetKind] = {"class": "class", "multi": "classes", "float": "vector"}
"""``label_kind`` to the kind of answer."""
_NAMES = "The names of the classes, one a line: the first is that of class 0. Of numbers: a name for each, or no file."
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
    label_kind: Literal["class", "multi", "float"] = field(
        "class",
        title="Labels of a line",
        choices={"class": "One class", "multi": "Several classes (path 3,7)", "float": "Numbers (path 0.5 1.25)"},
        description="What follows a path: one class, several with commas between, or numbers with blanks between, as many on each line.",
    )
    labels_file: str = field("", title="Labels", widget="file", description=_NAMES)
    local_labels_file: str = field("", title="Labels", widget="path", description=_NAMES, max_length=4096)
