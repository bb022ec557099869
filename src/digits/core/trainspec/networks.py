"""Which network is trained, and what it begins with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from digits.core.spec import Spec, field


class StandardNetwork(Spec):
    """A published network, shipped."""

    method: Literal["standard"] = field("standard", title="Network", flat="method")
    name: str = field(
        "alexnet",
        title="Standard network",
        flat="standard_networks",
        description="The published network to train.",
    )
    pretrained: bool = field(
        False,
        title="Begin with published weights",
        flat="standard_pretrained",
        description="Fine-tune weights that an installed package holds, where there is one for the network; the layer that answers starts anew "
        "for the dataset's classes. Random weights if not.",
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


class LentNetwork(Spec):
    """A network that another job lends, with its weights."""

    job: str


class PreviousNetwork(LentNetwork):
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


class PretrainedNetwork(LentNetwork):
    """The network of a pretrained model, with its weights."""

    method: Literal["pretrained"] = field("pretrained", title="Network", flat="method")
    job: str = field(
        title="Pretrained network",
        flat="pretrained_networks",
        min_length=1,
        description="Id of the pretrained model whose network is trained.",
    )


NetworkChoice = Annotated[
    StandardNetwork | CustomNetwork | PreviousNetwork | PretrainedNetwork, Field(discriminator="method")
]
