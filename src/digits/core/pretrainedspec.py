"""What a pretrained model is made of: weights, their definition, and what happens to pictures before them.

The files come with a form, out of an archive, from a model of this server or from a model store; all of them lie below ``uploads/`` of the
job's folder under their fields' names once they are there. The worker makes of them what a trained model's folder holds.
"""

from __future__ import annotations

from typing import Literal

from digits.core.jobfolder import TaskPlan
from digits.core.spec import Spec, field

TITLE = "Pretrained Model"
FETCH, IMPORT = "fetch_files", "import_weights"
RESIZE_MODES = {"squash": "Squash", "crop": "Crop", "fill": "Fill", "half_crop": "Half crop, half fill"}


class PretrainedForm(Spec):
    """A pretrained model to be kept: the form that sends its files."""

    name: str = field(
        title="Model name", flat="job_name", min_length=1, max_length=500, pattern=r"\S",
        description="How the model is called on every page.",
    )  # fmt: skip
    framework: str = field("caffe", title="Framework", description="The language that the network is written in.")
    weights_file: str = field(
        "", title="Weights", widget="file",
        description="Caffe: .caffemodel, .caffemodel.h5 or .safetensors. Torch: .safetensors, or a state_dict as .pth, of which no code runs. "
        "They are kept as safetensors.",
    )  # fmt: skip
    model_def_file: str = field(
        "", title="Model definition", widget="file",
        description="Caffe: the .prototxt, all in one or the deploy network, with a Softmax. Torch: the .py with build_model(params).",
    )  # fmt: skip
    labels_file: str = field(
        "", title="Labels", widget="file", description="A text file with the name of a class on each line, in order. May be left out."
    )  # fmt: skip
    mean_file: str = field(
        "", title="Mean picture", widget="file",
        description="A mean.binaryproto that is taken off each picture first, where the network was trained so.",
    )  # fmt: skip
    python_layers_file: str = field(
        "", title="Python layers", widget="file", description="A .py file whose classes are the layers of type Python."
    )  # fmt: skip
    image_type: Literal["3", "1"] = field(
        "3", title="Image type", choices={"3": "Color", "1": "Grayscale"}, description="Channels of the pictures."
    )
    resize_mode: Literal["squash", "crop", "fill", "half_crop"] = field(
        "squash", title="Resize transformation", choices=RESIZE_MODES,
        description="How a picture of another shape is brought to that size.",
    )  # fmt: skip
    width: int = field(
        256, title="Width", unit="px", ge=1, le=30_000, description="To which a picture is resized first."
    )
    height: int = field(
        256, title="Height", unit="px", ge=1, le=30_000, description="To which a picture is resized first."
    )
    crop_size: int | None = field(
        None, title="Crop Size", unit="px", placeholder="network's", ge=1,
        description="Side of the square that is cut from the centre then; the network's own where it is left empty.",
    )  # fmt: skip
    use_mean: Literal["none", "image", "pixel"] = field(
        "none", title="Subtract Mean", choices={"none": "None, or the network's own", "image": "Image", "pixel": "Pixel"},
        description="What is taken off each picture: the mean picture, its mean colour, or nothing but what the network says itself.",
    )  # fmt: skip


class PretrainedSpec(PretrainedForm):
    """``job.json`` of a pretrained model: the form, and what nobody types: of which snapshot it was, and where its files come from."""

    target_kind: str = field(
        "class", title="Answer", description="The kind of answer: class, classes or vector.", max_length=40
    )
    noise_seed: int = field(
        0, title="Seed", ge=0, le=2**32 - 1, description="Of the noise that some resize modes pad with."
    )
    train_val_file: str = field(
        "", title="train_val.prototxt", description="Of an archive: what it says of crop and mean holds."
    )
    epoch: float = field(0.0, title="Epoch", ge=0, description="Of the snapshot that it was.")
    step: int = field(0, title="Iteration", ge=0, description="Of the snapshot that it was.")
    origin: str = field("", title="Origin", max_length=4096, description="Where it came from, in words.")
    store_entry: str = field(
        "",
        title="Store entry",
        max_length=4096,
        description="Address or folder of the store's entry whose files are fetched first.",
    )
    store_files: dict[str, str] = field(
        title="Store files", default_factory=dict, description="Field of a file to its name in the entry."
    )


FILE_FIELDS = ("weights_file", "model_def_file", "labels_file", "mean_file", "python_layers_file", "train_val_file")


def tasks(spec: PretrainedSpec) -> tuple[TaskPlan, ...]:
    """Return the parts of the job, each with a progress of its own."""
    fetch = (TaskPlan(name=FETCH, title="Fetch files"),) if spec.store_entry else ()
    return (*fetch, TaskPlan(name=IMPORT, title="Import weights"))
