"""TensorFlow: networks written as Python with Keras 3."""

from digits.core.extensions import FrameworkExtension

_HERE = "digits.extensions.frameworks.tensorflow"

EXTENSION = FrameworkExtension(
    name="tensorflow",
    title="TensorFlow",
    check=f"{_HERE}.check:check",
    describe="digits.networks.tensorflow.describe:describe",
    trainer="digits.training.tensorflow_trainer:train",
    weights_endings=(".safetensors",),
    predictor="digits.training.tensorflow_predictor:open_predictor",
    standard="digits.networks.tensorflow.text:standard_text",
    refit="digits.networks.torch.text:refit",
    rename="digits.networks.torch.text:rename_layer",
    copies="digits.networks.tensorflow.copies:copies",
    snapshot="digits.training.weights_export:snapshot",
    exports={
        "onnx": "digits.training.tensorflow_export:onnx",
        "safetensors": "digits.training.weights_export:safetensors_file",
    },
    definition="network.py",
    weights_suffix="safetensors",
    log="tensorflow_output.log",
    check_weights="digits.networks.tensorflow.weights:check_weights_file",
    standard_suffix="keras.py",
    weight_decay=0.0,
    is_own="digits.networks.tensorflow.text:is_standard",
    library="tensorflow",
    solvers=("SGD", "MOMENTUM", "ADAGRAD", "RMSPROP", "ADADELTA", "ADAM", "ADAMW", "FTRL"),
)
