"""What a training is asked for: the fields of the model form, DIGITS' names and defaults, for every framework."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from digits.core.settings import Device
from digits.core.spec import FieldError, Spec, field

Percent = Annotated[float, Field(ge=0, le=100)]


class FixedPolicy(Spec):
    """The rate stays as it is."""

    policy: Literal["fixed"] = field("fixed", title="Policy", flat="lr_policy")


class StepPolicy(Spec):
    """The rate falls by a factor every so often."""

    prefix: ClassVar[str] = "lr_step_"
    policy: Literal["step"] = field("step", title="Policy", flat="lr_policy")
    size: float = field(
        33.0,
        title="Step size",
        unit="% of training",
        description="The rate falls each time this share of the training has passed.",
        gt=0,
    )
    gamma: float = field(0.1, title="Gamma", description="The factor at each step.", ge=0)


class MultistepPolicy(Spec):
    """The rate falls by a factor at chosen moments."""

    prefix: ClassVar[str] = "lr_multistep_"
    policy: Literal["multistep"] = field("multistep", title="Policy", flat="lr_policy")
    values: str = field(
        "50,85",
        title="Step values",
        unit="% of training",
        description="Comma-separated shares of the training.",
        pattern=r"^\s*\d+(\.\d+)?(\s*,\s*\d+(\.\d+)?)*\s*$",
    )
    gamma: float = field(0.5, title="Gamma", description="The factor at each step.", ge=0)


class ExpPolicy(Spec):
    """The rate falls exponentially."""

    prefix: ClassVar[str] = "lr_exp_"
    policy: Literal["exp"] = field("exp", title="Policy", flat="lr_policy")
    gamma: float = field(0.95, title="Gamma", description="The factor at each percent of the training.", gt=0)


class InvPolicy(Spec):
    """The rate falls as an inverse power."""

    prefix: ClassVar[str] = "lr_inv_"
    policy: Literal["inv"] = field("inv", title="Policy", flat="lr_policy")
    gamma: float = field(0.1, title="Gamma", description="How fast: base × (1 + gamma × percent) ^ −power.", ge=0)
    power: float = field(0.5, title="Power", description="The exponent.")


class PolyPolicy(Spec):
    """The rate falls to 0 at the end as a power of what is left."""

    prefix: ClassVar[str] = "lr_poly_"
    policy: Literal["poly"] = field("poly", title="Policy", flat="lr_policy")
    power: float = field(3.0, title="Power", description="The exponent of (1 − percent / 100).", ge=0)


class SigmoidPolicy(Spec):
    """The rate falls along an S."""

    prefix: ClassVar[str] = "lr_sigmoid_"
    policy: Literal["sigmoid"] = field("sigmoid", title="Policy", flat="lr_policy")
    step: float = field(
        50.0, title="Step", unit="% of training", description="Where the rate has fallen by half.", ge=0
    )
    gamma: float = field(0.1, title="Gamma", description="How steep the fall is.")


LrPolicy = Annotated[
    FixedPolicy | StepPolicy | MultistepPolicy | ExpPolicy | InvPolicy | PolyPolicy | SigmoidPolicy,
    Field(discriminator="policy"),
]


class StandardNetwork(Spec):
    """A published network, shipped."""

    method: Literal["standard"] = field("standard", title="Network", flat="method")
    name: str = field(
        "alexnet",
        title="Standard network",
        flat="standard_networks",
        description="The published network to train from random weights.",
    )


class CustomNetwork(Spec):
    """A network written by hand."""

    method: Literal["custom"] = field("custom", title="Network", flat="method")
    text: str = field(
        title="Custom Network",
        flat="custom_network",
        widget="textarea",
        min_length=1,
        max_length=1_000_000,
        description="The definition: Caffe prototxt, all in one; for Torch, Python with build_model(params).",
    )
    weights: str = field(
        "",
        title="Pretrained model(s)",
        flat="custom_network_snapshot",
        widget="paths",
        max_length=10_000,
        placeholder="path to .caffemodel, several separated by :",
        description="Weight files on the server to begin with, copied by the names of layers; several separated by ':'. "
        "A layer with another name or shape starts anew; one with lr_mult: 0 in its param entries stays as it was.",
    )
    python_layers_sent: bool = field(
        False,
        title="Send the file from this computer",
        flat="python_layer_from_client",
        description="The file with layers written in Python comes with the form, and not from the server.",
    )
    python_layers_file: str = field(
        "",
        title="Python layers",
        flat="python_layer_client_file",
        widget="file",
        description="A .py file whose classes are the layers of type Python; it runs in the training as the server's user.",
    )
    python_layers: str = field(
        "",
        title="Python layers",
        flat="python_layer_server_file",
        widget="path",
        placeholder="path to a .py file",
        max_length=4096,
        description="A .py file on the server whose classes are the layers of type Python; the job keeps a copy of it as "
        "digits_python_layers.py.",
    )


class PreviousNetwork(Spec):
    """The network of a model trained before, with its weights."""

    method: Literal["previous"] = field("previous", title="Network", flat="method")
    job: str = field(
        title="Previous network",
        flat="previous_networks",
        min_length=1,
        description="Id of the model whose network is trained.",
    )
    epoch: float | None = field(
        None,
        title="Snapshot",
        flat="previous_epoch",
        also="{previous_networks}-snapshot",
        description="Epoch of the snapshot to begin with; 0: the network alone, with random weights; "
        "-1: the weights that the model itself began with.",
        ge=-1,
    )


NetworkChoice = Annotated[StandardNetwork | CustomNetwork | PreviousNetwork, Field(discriminator="method")]

SOLVERS = {
    "SGD": "Stochastic gradient descent (SGD)",
    "NESTEROV": "Nesterov's accelerated gradient (NAG)",
    "ADAGRAD": "Adaptive gradient (AdaGrad)",
    "RMSPROP": "RMSprop",
    "ADADELTA": "AdaDelta",
    "ADAM": "Adam",
}
MEANS = {"none": "None", "image": "Image", "pixel": "Pixel"}


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
    solver_type: Literal["SGD", "NESTEROV", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM"] = field(
        "SGD", title="Solver type", choices=SOLVERS, description="How the weights follow the gradient."
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
        description="The next free ones.",
        may_be_blank=True,
        ge=1,
        le=64,
    )
    compile_model: bool = field(
        False,
        title="Compile the network",
        description="torch.compile: slow to start, then faster (×1.4 measured on LeNet).",
    )

    @model_validator(mode="after")
    def _no_double_gpu(self) -> TrainSpec:
        if len(set(self.gpus)) != len(self.gpus):
            raise FieldError("gpus", "A GPU is named twice.")
        return self
