"""What a training is asked for: the fields of the model form, DIGITS' names and defaults, for every framework."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from digits.core.settings import Device
from digits.core.spec import FieldError, Spec, field
from digits.core.trainspec.augmentation import Augmentation
from digits.core.trainspec.keeping import EarlyStop, Keeping
from digits.core.trainspec.networks import (
    CustomNetwork,
    LentNetwork,
    NetworkChoice,
    PretrainedNetwork,
    PreviousNetwork,
    StandardNetwork,
)
from digits.core.trainspec.policies import (
    CosinePolicy,
    ExpPolicy,
    FixedPolicy,
    InvPolicy,
    LrPolicy,
    MultistepPolicy,
    PolyPolicy,
    SigmoidPolicy,
    StepPolicy,
)

__all__ = [
    "MEANS", "PRECISIONS", "SOLVERS", "Augmentation", "CosinePolicy", "CustomNetwork", "EarlyStop", "ExpPolicy", "FixedPolicy", "InvPolicy",
    "Keeping", "LentNetwork", "LrPolicy", "MultistepPolicy", "NetworkChoice", "PolyPolicy", "PretrainedNetwork",
    "PreviousNetwork", "SigmoidPolicy", "StandardNetwork", "StepPolicy", "TrainSpec",
]  # fmt: skip

SOLVERS = {
    "SGD": "Stochastic gradient descent (SGD)",
    "NESTEROV": "Nesterov's accelerated gradient (NAG)",
    "ADAGRAD": "Adaptive gradient (AdaGrad)",
    "RMSPROP": "RMSprop",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
    "ADAMW": "AdamW",
    "MOMENTUM": "SGD with momentum (TensorFlow)",
    "FTRL": "FTRL (TensorFlow)",
}
PRECISIONS = {"float32": "float32", "bf16": "bfloat16 (mixed)"}
MEANS = {"none": "None", "image": "Image", "pixel": "Pixel"}
BALANCES = {"none": "None", "weights": "Weighted loss", "sampling": "Balanced sampling"}


class TrainSpec(Spec):
    """One training; a sweep is several of these."""

    dataset: str = field(title="Select Dataset", flat="dataset", description="Id of the dataset to train on.")
    name: str = field(
        title="Model Name",
        flat="model_name",
        description="How the model is called on every page.",
        min_length=1,
        max_length=500,
        pattern=r"\S",
    )
    group: str = field(
        "",
        title="Group Name",
        flat="group_name",
        description="Jobs of one group fold together on the home page.",
        max_length=500,
    )
    framework: str = field("caffe", title="Framework", description="The language that the network is written in.")
    network: NetworkChoice = StandardNetwork()

    train_epochs: int = field(
        30,
        title="Training epochs",
        unit="epochs",
        description="How many times each picture is seen.",
        ge=1,
        le=1_000_000,
    )
    snapshot_interval: float = field(
        1.0,
        title="Snapshot interval",
        unit="epochs",
        description="A snapshot each so many epochs; 0 for one at the end alone; fractions allowed.",
        ge=0,
    )
    val_interval: float = field(
        1.0,
        title="Validation interval",
        unit="epochs",
        description="A validation each so many epochs; 0 for none; fractions allowed.",
        ge=0,
    )
    keeping: Keeping = Keeping()
    early_stop: EarlyStop = EarlyStop()
    random_seed: int | None = field(
        None,
        title="Random seed",
        placeholder="none",
        description="With a seed, two runs give the same curve.",
        ge=0,
        le=2**32 - 1,
    )
    batch_size: int | None = field(
        None,
        title="Batch size",
        placeholder="network defaults",
        description="Pictures in one step. Multiples allowed: 32, 64.",
        multiples=True,
        ge=1,
        le=1_000_000,
    )
    batch_accumulation: int | None = field(
        None,
        title="Batch accumulation",
        placeholder="1",
        description="Steps whose gradients are added up before the weights move.",
        ge=1,
        le=100_000,
    )
    solver_type: Literal["SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM", "ADAMW", "MOMENTUM", "FTRL"] = (
        field("SGD", title="Solver type", choices=SOLVERS, description="How the weights follow the gradient.")
    )
    rms_decay: float = field(
        0.99,
        title="RMS decay value",
        description="RMSprop alone: how long squared gradients are remembered.",
        ge=0,
        lt=1,
    )
    learning_rate: float = field(
        0.01,
        title="Base Learning Rate",
        description="The size of a step at the start. Multiples allowed: 0.1, 0.01.",
        multiples=True,
        ge=0,
    )
    lr: LrPolicy = StepPolicy()
    lr_warmup: float = field(
        0.0,
        title="Warm-up",
        unit="% of training",
        description="The rate rises evenly from 0 over this share of the training, before its policy holds.",
        ge=0,
        lt=100,
    )
    crop_size: int | None = field(
        None,
        title="Crop Size",
        placeholder="none",
        unit="px",
        description="A square of this side is cut from each picture: at random in training, the centre in tests.",
        ge=1,
    )
    use_mean: Literal["none", "image", "pixel"] = field(
        "image",
        title="Subtract Mean",
        choices=MEANS,
        description="What is taken off each picture first: the training set's mean picture, its mean colour, or nothing.",
    )
    shuffle: bool = field(
        True, title="Shuffle Train Data", description="The records come in a new order each epoch.", absent=True
    )
    augmentation: Augmentation = Augmentation()
    class_balance: Literal["none", "weights", "sampling"] = field(
        "none",
        title="Class balance",
        choices=BALANCES,
        description="For classes with unequal numbers of pictures. Weighted loss: a picture's loss counts the more, the rarer its "
        "class is. Balanced sampling: each batch has all classes equally often, so pictures of small classes come again sooner.",
    )
    device: Device = field(
        "auto",
        title="Device",
        choices={"auto": "Best there is", "cpu": "CPU", "cuda": "CUDA", "mps": "Apple MPS"},
        description="Where the training runs.",
    )
    gpus: tuple[int, ...] = field(
        (), title="Select which GPUs", flat="select_gpus", description="These GPUs; the job waits until all are free."
    )
    num_gpus: int = field(
        1,
        title="Use this many GPUs",
        flat="select_gpu_count",
        description="The next free ones; of several each learns a part of every batch.",
        may_be_blank=True,
        ge=1,
        le=64,
    )
    compile_model: bool = field(
        False,
        title="Compile the network",
        description="torch.compile: slow to start, then faster (×1.4 measured on LeNet).",
    )
    tensorboard: bool = field(
        True,
        title="Files for TensorBoard",
        description="The curves are written to tb/ of the job folder too, as event files: tensorboard --logdir shows them.",
    )
    traces_interval: int = field(
        0,
        title="Trace every",
        unit="steps",
        description="Writes where the time of such a step goes to traces/ of the job folder, for chrome://tracing; 0: never. Caffe and Torch.",
        ge=0,
    )
    precision: Literal["float32", "bf16"] = field(
        "float32",
        title="Precision",
        choices=PRECISIONS,
        description="bfloat16 makes most layers faster on new GPUs and CPUs, with 3 digits a number; weights and solver stay float32.",
    )

    @model_validator(mode="after")
    def _no_double_gpu(self) -> TrainSpec:
        if len(set(self.gpus)) != len(self.gpus):
            raise FieldError("gpus", "A GPU is named twice.")
        return self

    @model_validator(mode="after")
    def _validates(self) -> TrainSpec:
        if self.early_stop.patience is not None and not self.val_interval:
            raise FieldError("val_interval", "Without validations a training cannot stop early.")
        return self
