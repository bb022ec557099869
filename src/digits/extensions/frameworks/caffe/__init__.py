"""Caffe: networks written as prototxt, run by PyTorch with Caffe's arithmetic."""

from digits.core.extensions import FrameworkExtension

_HERE = "digits.extensions.frameworks.caffe"

EXTENSION = FrameworkExtension(
    name="caffe",
    title="Caffe",
    check=f"{_HERE}.check:check",
    describe="digits.networks.caffe.describe:describe",
    trainer="digits.training.caffe_trainer:train",
    take_in="digits.training.caffe_pretrained:take",
    predictor="digits.training.caffe_predictor:open_predictor",
    standard="digits.networks.standard:standard_text",
    refit="digits.networks.caffe.refit:refit",
    rename="digits.networks.caffe.refit:rename_layer",
    copies="digits.networks.caffe.copyplan:copies",
    to_fcn="digits.networks.fcn.caffe:to_fcn",
    snapshot="digits.training.caffe_export:snapshot",
    splits_batches=True,
    exports={name: f"digits.training.caffe_export:{name}" for name in ("caffemodel", "onnx", "pt2", "safetensors")},
)
