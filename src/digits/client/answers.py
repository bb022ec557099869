"""The server's answers, typed. Keys that are not named here are kept as they came: ``model_extra`` holds them.

Some of DIGITS' keys hold spaces ("job id"): such ones are among the extra.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """An object of the REST API."""

    model_config = ConfigDict(frozen=True, extra="allow")

    def as_json(self) -> dict[str, Any]:
        """Return the object as it came."""
        return self.model_dump(mode="json", by_alias=True)


class Created(Answer):
    """A job that was accepted."""

    id: str
    name: str
    status: str


class Queued(Created):
    """Where a job stands in the queue."""

    priority: int
    queue_place: int | None = None
    """1 for the next to start; None while it does not wait for its turn."""


class Status(Answer):
    """How a job stands."""

    status: str
    name: str
    type: str = ""
    error: str | None = None


class Row(Answer):
    """A job as the home page lists it."""

    id: str
    name: str
    status: str
    type: str = ""
    group: str | None = ""
    username: str | None = ""
    submitted: float = 0
    elapsed: float = 0
    progress: float = Field(0, description="0 to 100.")

    @property
    def is_running(self) -> bool:
        """Whether the job is not over."""
        return self.status in ("Initialized", "Waiting", "Running")


class Listing(Answer):
    """All jobs: those that run, and those that are over by kind."""

    running: list[Row] = []
    datasets: list[Row] = []
    models: list[Row] = []
    pretrained_models: list[Row] = []

    def all(self) -> list[Row]:
        """Return every job once, the running ones first."""
        rows = [*self.running, *self.datasets, *self.models, *self.pretrained_models]
        return list({row.id: row for row in rows}.values())

    def of_type(self, kind: str) -> list[Row]:
        """Return the jobs of a kind, newest first."""
        return sorted((row for row in self.all() if row.type == kind), key=lambda row: row.submitted, reverse=True)


class Shown(Answer):
    """A dataset or a model with all its facts."""

    id: str
    name: str
    status: str
    directory: str = ""
    model_route: str = ""
    """Of a dataset: below /models/, where its models are made, where that is not images/classification."""


class Item(Answer):
    """A record of a dataset."""

    key: str = ""
    label: Any = None
    path: str = ""
    url: str = ""


class Explored(Answer):
    """A page of records."""

    total: int
    page: int = 0
    size: int = 25
    items: list[Item] = []
    counts: list[Any] = []


class Refusal(Answer):
    """A file that a dataset left out, and why."""

    db: str = ""
    path: str
    line: int | None = None
    rule: str = ""
    reason: str = ""


class FoundClass(Answer):
    """A class of a source."""

    label: str
    count: int


class Inspected(Answer):
    """What a source holds; ``class_dbs`` has, for each database that it fills itself, the pictures of every class."""

    format: str
    words: str = ""
    classes: list[FoundClass] = []
    count: int = 0
    dbs: dict[str, int] = {}
    class_dbs: dict[str, list[int]] = {}
    refused: list[Refusal] = []
    refused_count: int = 0
    seconds: float = 0


class Damage(Answer):
    """A record that is not what was written."""

    db: str
    key: str = ""
    path: str = ""
    reason: str = ""


class Verified(Answer):
    """What was found when every record of a dataset was read; ``damaged`` has the first 1,000."""

    records: int
    content_hash: str | None = None
    index_whole: bool = Field(False, description="Whether the index is the one that the content hash was made of.")
    damaged: list[Damage] = []
    damaged_count: int = 0


class Health(Answer):
    """What the newest check of a dataset found; ``status`` is None where there was none."""

    status: str | None = None
    pictures: int = 0
    counts: dict[str, int] = Field(
        {}, description="Groups or pictures of each finding; the lists hold the first of them."
    )
    sizes: dict[str, int] = Field({}, description="Pictures in the groups of a finding.")
    exact_duplicates: list[list[Item]] = []
    near_duplicates: list[list[Item]] = []
    leaks: list[list[Item]] = []
    conflicts: list[list[Item]] = []
    outliers: list[Item] = []
    suspects: list[Item] = []
    imbalance: dict[str, Any] = {}


class ClassRates(Answer):
    """How well a class is found; None where nothing of it was there to tell. Of numbers, extra keys tell the errors."""

    label: str
    count: int
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    ap50: float | None = Field(None, description="Of boxes: average precision at IoU 0.50.")
    ap50_95: float | None = Field(None, description="Of boxes: its mean over IoU from 0.50 to 0.95.")


class Evaluation(Answer):
    """An evaluation of a model on a whole database; its numbers are empty until it is done."""

    id: str
    name: str = ""
    status: str
    model_id: str
    dataset_id: str
    db: str
    snapshot_epoch: float
    count: int = 0
    metrics: dict[str, float | None] = {}
    per_class: list[ClassRates] = []
    confusion: list[tuple[str, str, int]] = Field([], description="(true, predicted, count) of cells that are not 0.")


Prediction = tuple[str, float]
"""Label and percent, the most likely first."""


class Classified(Answer):
    """The classes of one picture."""

    predictions: list[Prediction]


class ClassifiedMany(Answer):
    """The classes of each picture of a list, by its path."""

    classifications: dict[str, list[Prediction]]


class Inferred(Answer):
    """Every output of a network for one picture, as nested lists with the batch axis first; ``boxes``: the rows alone."""

    outputs: dict[str, Any]


class InferredMany(Answer):
    """Every output of a network, by the picture's path or the record's key and the output's name; ``refused`` could not be read."""

    outputs: dict[str, dict[str, Any]]
    refused: list[Refusal] = []


class Layer(Answer):
    """What a layer made of a picture (kind "Activation"), or its weights; ``tiles`` tells what ``picture`` shows."""

    name: str
    kind: str
    type: str = ""
    shape: list[int] = []
    mean: float | None = None
    std: float | None = None
    histogram: list[list[float]] = []
    param_count: int | None = None
    tiles: dict[str, int] | None = None
    picture: str | None = Field(None, description="Address on the server, good for a day.")
    file: str | None = Field(None, description="Its name in the folder that was asked for.")


class Looked(Answer):
    """Every output for one picture, and what each layer made of it."""

    outputs: dict[str, Any]
    visualizations: list[Layer] = []
    total_parameters: int = 0


class Best(Answer):
    """The pictures that look most like a class: (path, percent), the surest first."""

    label: str
    pictures: list[tuple[str, float]] = []


class TopN(Answer):
    """The best pictures of each class, among ``count``."""

    classes: list[Best]
    count: int
    refused: list[Refusal] = []


class Series(Answer):
    """One curve in buckets: the least, largest and last value of each."""

    epoch: list[float] = []
    step: list[int] = []
    min: list[float | None] = []
    max: list[float | None] = []
    last: list[float | None] = []


class Metrics(Answer):
    """The curves of a training by name ("loss/train", "accuracy/val", "lr")."""

    series: dict[str, Series] = {}


class CurveEnd(Answer):
    """What a curve came to: its last value, its best one, and the epoch of that."""

    last: float
    best: float
    epoch: float


class Compared(Answer):
    """Several models side by side; lists have one place a model, None where it has no such setting or curve."""

    models: list[Created]
    differing: dict[str, list[str | None]] = {}
    metrics: dict[str, list[CurveEnd | None]] = {}


class FactorRow(Answer):
    """A layer that slides a window over its picture; sides are pixels, a number or [height, width] where they differ."""

    layer: str
    stride: int | list[int]
    pad: int | list[int]
    kernel: int | list[int]
    factor: str
    """"1/2", or "32" of a layer that enlarges."""
    cumulative: str
    receptive_field: int | list[int]
    output: list[int]
    """[channels, height, width]."""


class Convolved(Answer):
    """A classifier made fully convolutional."""

    network: str
    table: list[FactorRow]
    checked_max_difference: float
    """Between scores of the classifier and of what was made of it, at the classifier's size."""
    notes: list[str] = []


class StoreEntry(Answer):
    """A model of a store; ``problem`` says why it cannot be brought in."""

    id: str
    dir_name: str
    info: dict[str, Any] = {}
    aux: dict[str, Any] = {}
    problem: str = ""


class ModelStore(Answer):
    """A store of models; ``problem`` says why it cannot be read."""

    base_url: str = ""
    welcome_msg: str = ""
    model_list: list[StoreEntry] = []
    problem: str = ""


class Events(Answer):
    """What a job's worker has said; ``next`` asks for what comes after it."""

    next: int
    events: list[dict[str, Any]] = []
