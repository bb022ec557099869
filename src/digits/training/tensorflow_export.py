"""A snapshot of a Keras model as a file for others; see ``caffe_export`` for what each function takes. Runs where TensorFlow is."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from digits.core.jobfolder import JobFolder
from digits.core.work import WorkerSettings
from digits.networks.caffe.export.onnxfile import require_packages
from digits.training.goingout import facts_of, labels_of, preprocessing_of, written
from digits.training.snapshots import find_snapshot, read_weights


def onnx(folder: JobFolder, epoch: float | None, stem: Path) -> Path:
    """Write an ONNX file.

    Raises:
        MissingPackageError: the package onnx is not installed.
        NotFoundError: there is no such snapshot.
        DigitsError: the network cannot be written so, or its code may not run here.
    """
    require_packages("onnx")
    from digits.networks.tensorflow.net import KerasNet
    from digits.networks.tensorflow.onnx.write import KerasExport, write_onnx
    from digits.networks.tensorflow.params import AnswerKind
    from digits.training.tensorflow_model import answering, set_up

    place, facts = find_snapshot(folder, epoch), facts_of(folder)
    settings = WorkerSettings.from_environment()
    set_up(0, settings.num_threads)
    definition = answering(folder, facts, allowed=settings.python_layers)
    KerasNet(definition).load_state(read_weights(place), partial=True)
    model = KerasExport(
        definition, cast(AnswerKind, facts.target_kind), preprocessing_of(folder, facts), labels_of(folder)
    )
    return written(write_onnx, model, stem.with_name(f"{stem.name}.onnx"))
