"""What an object detection dataset is asked for: DIGITS' fields, defaults and limits, and those of other formats of annotations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import model_validator

from digits.core.spec import FieldError, field
from digits.extensions.datasets.building.spec import CHANNELS, CHANNELS_WORDS, PairSpec

AnnotationFormat = Literal["kitti", "voc", "coco", "yolo"]


@dataclass(frozen=True)
class Place:
    """Where pictures and what is known of them lie."""

    images: str
    annotations: str
    """A folder, or COCO's file."""
    names_file: str = ""
    list_file: str = ""


class DetectionSpec(PairSpec):
    """An object detection dataset."""

    annotation_format: AnnotationFormat = field(
        "kitti", title="Annotation format", choices={"kitti": "KITTI (.txt)", "voc": "Pascal VOC (.xml)", "coco": "COCO (.json)", "yolo": "YOLO (.txt)"},
        description="What the boxes are written in. KITTI, VOC and YOLO have a file for each picture, of the same name; COCO has one for all.",
    )  # fmt: skip
    train_image_folder: str = field(
        title="Training image folder", widget="path", description="Folder with the pictures for training."
    )
    train_label_folder: str = field(
        "", title="Training label folder", widget="path",
        description="Folder with the annotations of these: KITTI's or YOLO's .txt, VOC's .xml, each of its picture's name.",
    )  # fmt: skip
    annotation_path: str = field(
        "", title="Annotation path", widget="path",
        description="COCO: the JSON file. YOLO: the data.yaml or the list with the names of the classes, or the folder of labels. "
        "VOC and KITTI: the folder of annotations, in the place of the label folder.",
    )  # fmt: skip
    train_list_file: str = field(
        "", title="List of training pictures (optional)", widget="path",
        description="Text file with a picture's name a line, such as ImageSets/Main/train.txt: the others are left out.",
    )  # fmt: skip
    val_image_folder: str = field(
        "", title="Validation image folder", widget="path", description="Folder with the pictures for validation."
    )
    val_label_folder: str = field(
        "", title="Validation label folder", widget="path", description="Folder with the annotations of these."
    )
    val_annotation_path: str = field(
        "",
        title="Validation annotation path",
        widget="path",
        description="COCO: the JSON file of the pictures for validation.",
    )
    val_list_file: str = field(
        "", title="List of validation pictures (optional)", widget="path",
        description="Text file with a picture's name a line; they lie in the validation folder, or without one in that for training.",
    )  # fmt: skip
    folder_pct_val: float = field(
        0, title="% for validation", flat="folder_pct_val", unit="%",
        description="Share of the pictures that is kept for validation, where nothing else says which.", ge=0, lt=100,
    )  # fmt: skip
    padding_image_width: int | None = field(
        1248, title="Padding image width", unit="px", placeholder="as stored",
        description="Pictures are padded with black at the right and at the bottom to this size; a larger one is an error. Blank: not padded.",
        ge=1, le=30_000,
    )  # fmt: skip
    padding_image_height: int | None = field(
        384, title="Padding image height", unit="px", placeholder="as stored",
        description="Pictures are padded with black at the right and at the bottom to this size; a larger one is an error. Blank: not padded.",
        ge=1, le=30_000,
    )  # fmt: skip
    resize_image_width: int | None = field(
        None, title="Resize image width", unit="px", placeholder="as padded",
        description="Pictures and boxes are brought to this size after padding. Blank: not resized.", ge=1, le=30_000,
    )  # fmt: skip
    resize_image_height: int | None = field(
        None, title="Resize image height", unit="px", placeholder="as padded",
        description="Pictures and boxes are brought to this size after padding. Blank: not resized.", ge=1, le=30_000,
    )  # fmt: skip
    channel_conversion: Literal["RGB", "L", "none"] = field(
        "RGB", title="Channel conversion", choices=CHANNELS, description=CHANNELS_WORDS
    )
    val_min_box_size: float = field(
        25, title="Minimum box size (px) for validation set", unit="px", ge=0, le=30_000,
        description="Boxes for validation that are less wide or less high, in the picture as it comes, are ignored (DontCare).",
    )  # fmt: skip
    custom_classes: str = field(
        "", title="Custom classes", placeholder="dontcare, car, ...", max_length=20_000,
        description="Comma-separated names; ids are given in their order from 0, and 0 is DontCare. Boxes of other names are ignored. Blank: "
        "DIGITS' ids for KITTI, for other formats all classes that are found.",
    )  # fmt: skip
    class_mapping: str = field(
        "", title="Class mapping", placeholder="FOUND=CLASS, FOUND=CLASS", max_length=20_000,
        description="What names in the annotations are to be taken for: RBC=red cell, Platelets=dontcare. Several may become one class.",
    )  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _padding_is_kittis(cls, given: Any) -> Any:
        """Pad to KITTI's size by default where the annotations are KITTI's alone."""
        if isinstance(given, dict) and given.get("annotation_format", "kitti") != "kitti":
            return {"padding_image_width": None, "padding_image_height": None} | given
        return given

    @model_validator(mode="after")
    def _belongs_together(self) -> DetectionSpec:
        for what in ("padding", "resize"):
            width, height = f"{what}_image_width", f"{what}_image_height"
            if (getattr(self, width) is None) != (getattr(self, height) is None):
                raise FieldError(
                    height if getattr(self, height) is None else width, "Give width and height, or neither."
                )
        if not self.places["train"].annotations:
            missing = "annotation_path" if self.annotation_format == "coco" else "train_label_folder"
            raise FieldError(
                missing, "Name the JSON file." if missing == "annotation_path" else "This field is required."
            )
        val = bool(self.val_image_folder.strip()), bool(self._val_annotations)
        if val[0] and not val[1]:
            missing = "val_annotation_path" if self.annotation_format == "coco" else "val_label_folder"
            raise FieldError(missing, "The validation images need annotations, too.")
        if val[1] and not val[0] and not self.is_coco:
            raise FieldError("val_image_folder", "The validation labels need a folder of images, too.")
        return self

    @property
    def is_coco(self) -> bool:
        """Whether one file has the boxes of all pictures."""
        return self.annotation_format == "coco"

    @property
    def _val_annotations(self) -> str:
        first, second = self.val_label_folder.strip(), self.val_annotation_path.strip()
        return (second or first) if self.is_coco else (first or second)

    @property
    def places(self) -> dict[str, Place]:
        """Where the pictures of each database lie; those for validation may be a share of "train"."""
        form, folder, path = self.annotation_format, self.train_label_folder.strip(), self.annotation_path.strip()
        names = path if form == "yolo" and path and (folder or Path(path).suffix) else ""
        annotations = (path or folder) if self.is_coco else (folder or ("" if names else path))
        if form == "yolo" and not annotations and names:
            annotations = self.train_image_folder
        found = {"train": Place(self.train_image_folder, annotations, names, self.train_list_file.strip())}
        images, theirs, chosen = self.val_image_folder.strip(), self._val_annotations, self.val_list_file.strip()
        if images or theirs or chosen:
            found["val"] = Place(images or self.train_image_folder, theirs or annotations, names, chosen)
        return found
