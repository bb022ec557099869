"""Torch: networks written as Python with PyTorch."""

from digits.core.extensions import FrameworkExtension

_HERE = "digits.extensions.frameworks.torch"

EXTENSION = FrameworkExtension(
    name="torch",
    title="Torch",
    check=f"{_HERE}.check:check",
    describe="digits.networks.torch.describe:describe",
    trainer="digits.training.torch_trainer:train",
    take_in="digits.training.torch_pretrained:take",
    weights_endings=(".safetensors", ".pth", ".pt"),
    predictor="digits.training.torch_predictor:open_predictor",
    standard="digits.networks.torch.text:standard_text",
    refit="digits.networks.torch.text:refit",
    rename="digits.networks.torch.text:rename_layer",
    copies="digits.networks.torch.copies:copies",
    to_fcn="digits.networks.fcn.torch:to_fcn",
    snapshot="digits.training.weights_export:snapshot",
    exports={
        "onnx": "digits.training.torch_export:onnx",
        "pt2": "digits.training.torch_export:pt2",
        "safetensors": "digits.training.weights_export:safetensors_file",
    },
    definition="network.py",
    splits_batches=True,
    weights_suffix="safetensors",
    log="torch_output.log",
    check_weights="digits.networks.torch.weightfile:check_weights_file",
    standard_suffix="py",
    weight_decay=1e-4,  # DIGITS' own for Torch
    is_own="digits.networks.torch.text:is_standard",
)
