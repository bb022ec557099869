"""What a plugin's ``build`` and ``reader`` are written with."""

from digits.core.events import Emit, Progress, Warned
from digits.data.reader import DatasetReader, PairReader, PairSample, Sample
from digits.extensions.datasets.building.records import Label, Picture, Record, Refusal, open_dataset, write_dataset

__all__ = [
    "DatasetReader",
    "Emit",
    "Label",
    "PairReader",
    "PairSample",
    "Picture",
    "Progress",
    "Record",
    "Refusal",
    "Sample",
    "Warned",
    "open_dataset",
    "write_dataset",
]
