"""Which fields a folder stands for, by the names of what it holds. It runs in the web process."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from digits.core.errors import DataError
from digits.data.probe import picture_size

_PICTURES = ("images", "jpegimages", "image_2", "image", "img", "pictures")
_LABELS = ("labels", "annotations", "label_2", "label", "labels_kitti", "annotation")
_TRAIN, _VAL = ("train", "training", "train2017", "train2014"), ("val", "valid", "validation", "val2017", "val2014")
_NAMES = ("data.yaml", "dataset.yaml", "classes.txt", "obj.names", "classes.names")
_KITTI_SIZE = (384, 1248)
_LOOKED_AT = 50
_HEAD_CHARS = 4000
_WORDS = {"kitti": "KITTI", "voc": "Pascal VOC", "coco": "COCO", "yolo": "YOLO"}


def recognise(path: Path) -> dict[str, Any]:
    """Return ``format``, ``fields`` (the form's, flat) and ``words`` of a folder that has pictures with boxes, perhaps below train and val.

    Raises:
        DataError: it has no such sub-folders, or cannot be read.
    """
    root = path.expanduser()
    try:
        fields = _coco(root) or _by_file(root)
        if fields:
            return _told(fields)
    except OSError as error:
        raise DataError(f"It cannot be read: {error.strerror or error}.", where=str(path)) from error
    raise DataError(
        "No pictures with boxes are recognised here.", where=str(path),
        hint="KITTI, YOLO: images and labels, perhaps below train and val. VOC: JPEGImages and Annotations. COCO: images and a JSON file.",
    )  # fmt: skip


def _told(fields: dict[str, str]) -> dict[str, Any]:
    form = fields["annotation_format"]
    padding = _padding(form, Path(fields["train_image_folder"]))
    fields |= {"padding_image_width": padding[0], "padding_image_height": padding[1]}
    has_val = any(name.startswith("val_") for name in fields)
    words = f"{_WORDS[form]}, pictures with boxes" + (", with a validation set" if has_val else "")
    return {"format": form, "fields": {name: [text] for name, text in fields.items()}, "words": words}


def _padding(form: str, pictures: Path) -> tuple[str, str]:
    """Return DIGITS' padding for pictures as those of KITTI, which differ by a few pixels; none for others."""
    for file in _files(pictures):
        try:
            height, width = picture_size(file)
        except DataError:
            continue
        fits = form == "kitti" and 0.9 * _KITTI_SIZE[1] <= width <= _KITTI_SIZE[1] and height <= _KITTI_SIZE[0]
        return ("1248", "384") if fits else ("", "")
    return "", ""


def _by_file(root: Path) -> dict[str, str] | None:
    """Return the fields of a folder with a file of annotations for each picture."""
    for labels in _labels_of(root):
        images, theirs = labels
        form = _format_of(Path(theirs))
        if not form:
            continue
        fields = {"annotation_format": form, "train_image_folder": str(images), "train_label_folder": str(theirs)}
        if form == "yolo" and (names := next((root / each for each in _NAMES if (root / each).is_file()), None)):
            fields["annotation_path"] = str(names)
        lists = root / "ImageSets" / "Main"
        if images.parent == root and (lists / "train.txt").is_file():
            fields["train_list_file"] = str(lists / "train.txt")
            if (lists / "val.txt").is_file():
                fields["val_list_file"] = str(lists / "val.txt")
        elif val := _other(root, images, theirs):
            fields |= {"val_image_folder": str(val[0]), "val_label_folder": str(val[1])}
        return fields
    return None


def _labels_of(root: Path) -> Iterator[tuple[Path, Path]]:
    """Yield folders of pictures and of annotations: those of the training first, then those of the folder itself."""
    for db in (*_TRAIN, ""):
        below = _folder(root, db) if db else root
        if below:
            for images in _named(below, _PICTURES):
                for labels in _named(below, _LABELS):
                    yield images, labels
        for images in _named(root, _PICTURES) if db else ():
            for labels in _named(root, _LABELS):
                pair = _folder(images, db), _folder(labels, db)
                if pair[0] and pair[1]:
                    yield pair[0], pair[1]
    yield root, root


def _other(root: Path, images: Path, labels: Path) -> tuple[Path, Path] | None:
    """Return the folders for validation that lie as those for training do."""
    for name in _VAL:
        if images.parent.parent == root and (below := _folder(root, name)):
            pair = below / images.name, below / labels.name
        else:
            pair = images.parent / name, labels.parent / name
        if images != root and all(each.is_dir() for each in pair) and pair != (images, labels):
            return pair
    return None


def _format_of(folder: Path) -> str:
    """Return what the files of annotations in a folder are, "" where they are none."""
    for file in _files(folder):
        suffix = file.suffix.lower()
        if suffix == ".xml" and "<annotation" in _head(file):
            return "voc"
        if suffix == ".txt" and (line := _head(file).strip().partition("\n")[0].split()):
            if len(line) >= 15 and not line[0].isdigit():
                return "kitti"
            if len(line) in (5, 6) and line[0].isdigit():
                return "yolo"
    return ""


def _coco(root: Path) -> dict[str, str] | None:
    """Return the fields of a folder with a JSON file of COCO for training, and perhaps one for validation."""
    found: dict[str, tuple[Path, Path]] = {}
    for db, names in (("train", _TRAIN), ("val", _VAL)):
        for folder in (root / "annotations", root, *(each for name in names if (each := _folder(root, name)))):
            files = [each for each in _files(folder, ".json") if _is_coco(each)]
            own = folder.parent == root and folder.name.lower() in names
            chosen = next((each for each in files if own or any(name in each.stem.lower() for name in names)), None)
            if chosen is None and db == "train" and len(files) == 1:
                chosen = files[0]
            if chosen:
                images = next((each for name in (*names, *_PICTURES) if (each := _folder(root, name))), root)
                inner = next((each for name in names if (each := _folder(images, name))), images)
                found[db] = inner, chosen
                break
    if "train" not in found:
        return None
    fields = {
        "annotation_format": "coco",
        "train_image_folder": str(found["train"][0]),
        "annotation_path": str(found["train"][1]),
    }
    if "val" in found and found["val"][1] != found["train"][1]:
        fields |= {"val_image_folder": str(found["val"][0]), "val_annotation_path": str(found["val"][1])}
    return fields


def _is_coco(file: Path) -> bool:
    head = _head(file)
    return head.lstrip().startswith("{") and any(
        json.dumps(name) in head for name in ("images", "categories", "annotations", "info")
    )


def _head(file: Path) -> str:
    with file.open(encoding="utf-8-sig", errors="replace") as lines:
        return lines.read(_HEAD_CHARS)


def _files(folder: Path, suffix: str = "") -> list[Path]:
    """Return some of the files in a folder, sorted."""
    if not folder.is_dir():
        return []
    found = []
    for each in folder.iterdir():
        if each.is_file() and each.name.lower().endswith(suffix):
            found.append(each)
            if len(found) >= _LOOKED_AT:
                break
    return sorted(found)


def _folder(root: Path, name: str) -> Path | None:
    return next(iter(_named(root, (name,))), None)


def _named(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the folders in ``root`` that are called by one of ``names``, in the order of these."""
    if not root.is_dir():
        return []
    folders = {each.name.lower(): each for each in root.iterdir() if each.is_dir()}
    return [folders[name] for name in names if name in folders]
