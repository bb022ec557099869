"""Which fields a folder stands for, by the names of what it holds. It runs in the web process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from digits.core.errors import DataError

_PICTURES = ("images", "image", "img", "imgs", "features", "feature", "jpegimages", "pictures", "leftimg8bit", "rgb")
_LABELS = (
    "labels", "label", "masks", "mask", "annotations", "annot", "segmentationclass", "segmentation", "gt", "gtfine", "labels_rgb",
)  # fmt: skip
_TRAIN, _VAL = ("train", "training"), ("val", "valid", "validation")
_NAMES = ("labels.txt", "class_names.txt", "classes.txt")
_COLOURS = ("label_colors.txt", "labelmap.txt", "colours.txt", "colors.txt", "colormap.txt")


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a folder that has pictures and labels, perhaps below train and val.

    Raises:
        DataError: it has no such sub-folders, or cannot be read.
    """
    root = path.expanduser()
    try:
        folders = {each.name.lower(): each for each in sorted(root.iterdir()) if each.is_dir()}
        files = {each.name.lower(): each for each in sorted(root.iterdir()) if each.is_file()}
        found = {db: _pair(folders, names) for db, names in (("", ()), ("train", _TRAIN), ("val", _VAL))}
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=str(path)) from error
    main = found["train"] or found[""]
    if main is None:
        raise DataError(
            "No folders of pictures and labels are recognised here.", where=str(path),
            hint="They are called images and labels, perhaps below train and val; or name both folders.",
        )  # fmt: skip
    fields: dict[str, Any] = {"feature_folder": str(main[0]), "label_folder": str(main[1])}
    if found["train"] and (val := found["val"]):
        fields |= {
            "has_val_folder": "true",
            "validation_feature_folder": str(val[0]),
            "validation_label_folder": str(val[1]),
        }
    for field, names in (("class_labels_file", _NAMES), ("colormap_text_file", _COLOURS)):
        if file := next((files[name] for name in names if name in files), None):
            fields[field] = str(file)
    if "colormap_text_file" in fields:
        fields["colormap_method"] = "textfile"
    words = "Pictures and labels" + (", with a validation set" if "has_val_folder" in fields else "")
    return {"format": "folder", "fields": {name: [text] for name, text in fields.items()}, "words": words}


def _pair(folders: dict[str, Path], names: tuple[str, ...]) -> tuple[Path, Path] | None:
    """Return the folders of pictures and of labels: below one of ``names``, beside each other, or called train and trainannot."""
    if not names:
        return _within(folders)
    for name in names:
        if name in folders:
            below = {each.name.lower(): each for each in sorted(folders[name].iterdir()) if each.is_dir()}
            if found := _within(below):
                return found
            for suffix in ("annot", "_labels", "_masks", "labels", "masks"):
                if name + suffix in folders:
                    return folders[name], folders[name + suffix]
    pictures, labels = (
        next((folders[each] for each in each_of if each in folders), None) for each_of in (_PICTURES, _LABELS)
    )
    for name in names:
        if pictures and labels and (pictures / name).is_dir() and (labels / name).is_dir():
            return pictures / name, labels / name
    return None


def _within(folders: dict[str, Path]) -> tuple[Path, Path] | None:
    pictures, labels = (
        next((folders[name] for name in names if name in folders), None) for names in (_PICTURES, _LABELS)
    )
    return (pictures, labels) if pictures and labels else None
