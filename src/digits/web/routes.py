"""Every URL of the server: one row each, in the order in which they are tried.

A row names its handlers as "module:function": ``page`` below ``digits.web.pages`` answers HTML, ``api`` below ``digits.web.api`` answers
everything else. With both, the request's own preference decides. ``twin`` adds the same path with ``.json`` behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from digits.core.evaluationspec import EvaluationSpec
from digits.core.exportspec import ExportSpec
from digits.core.extensions import GENERIC_MODELS, DatasetExtension, installed
from digits.core.healthspec import HealthSpec
from digits.core.pretrainedspec import PretrainedForm
from digits.core.spec import Spec
from digits.core.trainspec import TrainSpec
from digits.web.modelkinds import of_route

Where = Literal["query", "form", "file"]
Answer = Literal["html", "json", "either", "json-html", "text", "file", "redirect"]


@dataclass(frozen=True)
class Param:
    """A parameter beside those in the path, for the docs; handlers read and check it themselves."""

    name: str
    help: str
    where: Where = "query"
    required: bool = False
    repeated: bool = False


@dataclass(frozen=True)
class Route:
    """One URL: who answers it, what it takes and gives."""

    methods: str
    """"GET", or several: "GET POST"."""
    path: str
    summary: str
    tag: str
    page: str = ""
    api: str = ""
    answer: Answer = "json"
    """What ``api`` answers with; "either": a page, or JSON to those who prefer it."""
    twin: bool = False
    login: Literal["", "page", "action"] = ""
    """Who has no name is sent to the login page, or answered 401."""
    changes: bool = False
    """A GET that changes something: its origin is checked as that of a POST."""
    params: tuple[Param, ...] = ()
    spec: type[Spec] | None = None
    """The form's fields."""
    extension: DatasetExtension | None = field(default=None, repr=False)


JOB_IDS = Param("job_ids[]", "Ids of the jobs.", "form", required=True, repeated=True)
JOB_ID = Param("job_id", "Id of the job.", required=True)
EPOCH = Param("snapshot_epoch", "Epoch of the snapshot, or best; the newest where it is not given.", "form")
MODEL_ID = Param("job_id", "Id of the model.", "form", required=True)
CLONE = Param("clone", "Id of a job whose fields fill the form and override what is posted.")
NETWORK_TEXT = Param("custom_network", "The network's definition.", "form")
STANDARD_TEXT = Param("standard_network", "Or the name of a standard network.", "form")
SIZES_FROM = Param("dataset_id", "Takes the sizes from this dataset.", "form")
FRAMEWORK = Param("framework", "Name of the framework: caffe, torch.", required=True)
LIST = (
    MODEL_ID,
    Param("image_list", "A file of lines `path [label]`.", "file"),
    Param("image_folder", "Goes before every path that is not absolute.", "form"),
    Param("dataset_id", "Instead of a list: id of a dataset, whose records are taken.", "form"),
    Param("db", "Of that dataset: train, val or test; the test set if there is one, else val.", "form"),
    Param("num_test_images", "Take the first so many lines or records; all where it is not given.", "form"),
    EPOCH,
)

GENERAL = [
    Route("GET", "/", "The home page", "general", page="home:home", api="general:index"),
    Route("GET", "/index.json", "All datasets and models", "general", api="general:index"),
    Route("GET", "/completed_jobs.json", "The rows of the home page", "general", api="general:completed_jobs"),
    Route("GET", "/jobs/ids.json", "The ids of all jobs that a filter finds", "general", api="general:job_ids", params=(
        Param("tab", "1 datasets, 2 models, 3 pretrained models."), Param("q", "Words that must all be found."))),
    Route("GET", "/jobs/{job_id}/table_data.json", "One row of the home page", "general", api="general:table_data"),
    Route("GET POST", "/group", "Put jobs into a group", "general", api="jobs:group", answer="text", login="action",
          changes=True, params=(JOB_IDS, Param("group_name", "The group's name; none where blank.", "form"))),
    Route("GET", "/login", "The login page", "general", page="login:login"),
    Route("POST", "/login", "Log in by name", "general", api="login:login", answer="redirect", params=(
        Param("username", "A lowercase letter, then lowercase letters, digits, '.', '-' or '_'.", "form", required=True),
        Param("next", "Path to go to then.", "form"))),
    Route("GET POST", "/logout", "Log out", "general", api="login:logout", answer="redirect", changes=True),
    Route("GET POST", "/clone/{job_id}", "To the form that makes such a job again", "general", api="jobs:clone",
          answer="redirect", login="page"),
    Route("GET", "/files/{path:path}", "A file of a job", "general", api="files:file", answer="file"),
    Route("POST", "/uploads", "Begin an upload in pieces", "general", api="uploads:begin", twin=True, login="action", params=(
        Param("name", "What the file is called.", "form"), Param("size", "Its bytes, where they are known.", "form"))),
    Route("GET", "/uploads/{upload_id}", "How much of an upload has come", "general", api="uploads:show", twin=True,
          login="action"),
    Route("PUT", "/uploads/{upload_id}", "A piece of an upload: the body as it is, at most 64 MB", "general", api="uploads:put",
          twin=True, login="action", params=(Param("offset", "Where the piece begins; 409 tells the place where it must.", required=True),)),
    Route("DELETE", "/uploads/{upload_id}", "Give up an upload", "general", api="uploads:drop", answer="text", login="action"),
    Route("GET", "/autocomplete/path", "Paths on the server that begin so", "general", api="files:autocomplete",
          answer="json-html", params=(Param("query", "The path's beginning.", required=True),)),
    Route("GET", "/healthz", "Is the web process alive?", "service", api="health:healthz"),
    Route("GET", "/readyz", "Can jobs be taken and run?", "service", api="health:readyz"),
    Route("GET", "/components", "Every part of the pages, once", "general", page="components:components"),
    Route("GET", "/netron/", "Netron: the graph of a model file", "general", api="netron:page", answer="html", params=(
        Param("url", "The file's path on this server."),
        Param("identifier", "The file's name, where the path does not end in it."))),
    Route("GET", "/netron/{name}", "A file of Netron's page", "general", api="netron:asset", answer="file"),
    Route("GET", "/docs", "This documentation", "service", api="docs:docs", answer="html"),
    Route("GET", "/openapi.json", "This documentation as an OpenAPI document", "service", api="docs:openapi"),
]  # fmt: skip

JOBS = [
    Route("DELETE", "/jobs", "Delete jobs", "jobs", api="jobs:delete_many", answer="text", login="action", params=(JOB_IDS,)),
    Route("POST", "/abort_jobs", "Abort jobs", "jobs", api="jobs:abort_many", answer="text", login="action", params=(JOB_IDS,)),
    Route("GET", "/jobs/{job_id}", "To the job's own page", "jobs", api="jobs:show", answer="redirect"),
    Route("PUT", "/jobs/{job_id}", "Rename a job, or change its notes", "jobs", api="jobs:edit", answer="text", login="action",
          params=(Param("job_name", "The new name.", "form"), Param("job_notes", "The new notes; blank clears them.", "form"))),
    Route("POST", "/jobs/{job_id}/priority", "Let a job start before others, or after them", "jobs", api="jobs:priority", twin=True,
          login="action", params=(Param("priority", "0 is usual; higher ones start first.", "form", required=True),)),
    Route("GET", "/jobs/{job_id}/events", "What the job's worker has said", "jobs", api="jobs:events", twin=True,
          params=(Param("after", "The `next` of the answer before."),)),
    *(route for noun in ("jobs", "datasets", "models", "evaluations") for route in (
        Route("GET", f"/{noun}/{{job_id}}/status", "State of a job", "jobs", api="jobs:status", answer="json-html"),
        Route("POST", f"/{noun}/{{job_id}}/abort", "Abort a job", "jobs", api="jobs:abort", answer="text", login="action"))),
    *(Route("DELETE", f"/{noun}/{{job_id}}", "Delete a job", "jobs", api="jobs:delete", answer="text", login="action")
      for noun in ("jobs", "datasets", "models", "pretrained_models", "evaluations")),
]  # fmt: skip

DATASETS = [
    Route("GET", "/datasets/summary", "A dataset in a few lines, as a fragment", "datasets", api="datasets:summary",
          answer="html", params=(JOB_ID,)),
    Route("POST", "/datasets/images/resize-example", "A picture as a dataset would store it", "datasets",
          api="pictures:resize_example", answer="html", twin=True, params=(
        *(Param(name, words, "form") for name, words in (
            ("width", "Pixels."), ("height", "Pixels."), ("channels", "3 or 1."), ("encoding", "png, jpg or none."),
            ("resize_mode", "squash, crop, fill or half_crop."), ("backend", "lmdb or hdf5."),
            ("image_path", "A picture on the server; a drawn one where it is not given."),
            ("look", "A look at a source, as `/datasets/inspect` names it: one of its samples is taken."),
            ("sample", "The number of that sample."))),)),
    Route("POST", "/datasets/inspect", "What a source holds, before a dataset is made of it", "datasets",
          api="looking:inspect", twin=True, login="action", params=(
        Param("path", "A folder, an archive or a list on the server; what it is will be recognised.", "form"),
        Param("method", "The kind of source, with its fields as in the form of a new dataset; instead of `path`, or beside it.", "form"),
        Param("archive_file", "An archive to look at.", "file"),
        Param("archive_upload", "The same, sent in pieces before.", "form"),
        Param("brief", "Only the kind of source is told.", "form"),
        Param("again", "A word of one's own: what was found a minute ago is not told again.", "form"),
        Param("extension", "Name of the kind of dataset; image-classification where it is not given.", "form"),
        Param("wait", "Seconds to wait for the end; the answer's `state` says whether it came.", "form"))),
    Route("GET", "/datasets/{job_id}/refused", "Pictures that the dataset left out, and why", "datasets",
          api="datasets:refused", twin=True),
    Route("GET", "/datasets/{job_id}/refused.csv", "The same as a table", "datasets", api="datasets:refused_csv", answer="file"),
    Route("GET", "/datasets/{job_id}/picture/{db}/{index}", "One stored picture", "datasets", api="pictures:stored",
          answer="file", params=(Param("beside", "true: the second picture of the record is beside it, of those that have two."),)),
    Route("GET", "/datasets/{job_id}/mask/{db}/{index}", "The classes of a stored picture's pixels, in the dataset's colours; or the picture "
          "that is its label", "datasets",
          api="pictures:mask", answer="file"),
    Route("GET", "/datasets/generic/explore", "The records of a dataset, by DIGITS' path", "datasets", page="datasets:explore",
          api="datasets:explore", twin=True, params=(
        JOB_ID, Param("db", "train_db/features, val_db/features ..."), Param("page", "From 0."), Param("size", "Records a page (25)."))),
    Route("POST", "/datasets/{job_id}/extend", "A new dataset: this one with more pictures, with others, with other names of classes",
          "datasets", api="deriving:extend", twin=True, login="action", params=(
        Param("method", "The kind of source of more pictures, with its fields as in the form of a new dataset.", "form"),
        Param("merge", "Ids of other datasets to take in.", "form", repeated=True),
        Param("rename", "old=new; classes that get the same name become one.", "form", repeated=True),
        Param("dataset_name", "The new dataset's name.", "form"))),
    Route("POST", "/datasets/{job_id}/export", "Write a dataset as files that other programs read", "datasets",
          api="datasetexports:start", twin=True, login="action", spec=ExportSpec),
    Route("POST", "/datasets/{job_id}/resume", "Let a dataset that was stopped or failed go on, as the same job", "datasets",
          api="datasets:resume", twin=True, login="action"),
    Route("POST", "/datasets/{job_id}/relabel", "A new dataset: this one with other labels, or without some pictures", "datasets",
          api="deriving:relabel", twin=True, login="action", params=(
        Param("changes", "JSON: a list of {db, key, label}; label null leaves the record out.", "form", required=True),
        Param("dataset_name", "The new dataset's name.", "form"))),
    Route("POST", "/datasets/{job_id}/health", "Check a dataset: duplicates, leaks, conflicts, outliers, doubted labels", "datasets",
          api="healthchecks:start", twin=True, login="action", spec=HealthSpec),
    Route("GET", "/datasets/{job_id}/health", "What the newest check of a dataset found", "datasets", page="healthchecks:show",
          api="healthchecks:show", twin=True, params=(
        Param("show", "Of the page: one finding alone."), Param("page", "Of that finding, from 0."))),
    Route("POST", "/datasets/{job_id}/verify", "Hold every record of a dataset against what was written", "datasets",
          api="verifying:verify", twin=True, login="action", params=(
        Param("wait", "Seconds to wait for the end; the answer's `state` says whether it came.", "form"),
        Param("again", "A word of one's own: what was found a minute ago is not told again.", "form"))),
    Route("GET", "/datasets/{job_id}", "A dataset", "datasets", page="datasets:show", api="datasets:show", twin=True),
]  # fmt: skip

VIEW = Param(
    "view_extension_id",
    f"How the page shows outputs, with the fields of that view: {', '.join(installed('views'))}; else as the kind of model asks for.",
    "form",
)
WHOLE = Param("dont_resize", "1: pictures keep their size, for fully convolutional networks.", "form")
ONE = (
    MODEL_ID,
    Param("image_path", "Path or address of a picture.", "form"),
    Param("image_file", "Or the picture itself.", "file"),
    EPOCH,
)
RECORD = (
    Param("dataset_id", "Instead of a picture: id of a dataset, a record of which is taken.", "form"),
    Param("db", "Of that dataset: train, val or test; the test set if there is one, else val.", "form"),
    Param("record", "The number of the record, from 0.", "form"),
)
LABEL = (
    Param("label_path", "Path of what the picture should be, where classes are told pixel by pixel.", "form"),
    Param("label_file", "Or that itself.", "file"),
)
LAYERS = Param(
    "show_visualizations", "1: also the shape, mean, standard deviation, histogram and picture of every layer.", "form"
)

FCN = (
    Param("skip", "Which finer scores are added: none, 16s, 8s.", "form"),
    Param("num_classes", "How many classes it scores; left to the dataset where it is not given.", "form"),
)

INFER = [
    Route("GET POST", f"/models/images/generic/infer_{what}", summary, "inference", api=f"infer:{what}", answer="either", twin=True,
          params=(*params, WHOLE, VIEW))
    for what, summary, params in (
        ("one", "All outputs for one picture", (*ONE, *RECORD, *LABEL, LAYERS)),
        ("many", "All outputs for a list of pictures, or for a dataset", LIST),
        ("db", "All outputs for the records of an LMDB", (
            MODEL_ID, Param("db_path", "The folder of an LMDB on the server.", "form", required=True), EPOCH)),
        ("extension", "All outputs for what the kind of dataset asks for", ONE))
]  # fmt: skip

MODELS = [
    *INFER,
    Route("POST", "/models/customize", "The text of a network, to be changed", "networks", api="networks:customize",
          answer="json-html", params=(Param("network", "Name of a standard network, or id of a model.", required=True), FRAMEWORK,
                                      EPOCH)),
    Route("GET", "/models/standard-networks", "The standard networks, with what each learns on a dataset", "networks",
          api="standard:networks", answer="html", twin=True, params=(
              Param("dataset_id", "Takes sizes and classes from this dataset; the papers' where it is not given."),
              Param("target_kind", "Those that learn such answers: class if neither is given, mask."),
              Param("crop_size", "Side of the crop, in pixels."), Param("standard_networks", "The one that is chosen."),
              Param("framework", "Those written for it: caffe if not given, torch."))),
    Route("POST", "/models/visualize-network", "A network drawn, as a fragment", "networks", api="networks:visualize",
          answer="html", params=(FRAMEWORK, NETWORK_TEXT, STANDARD_TEXT, SIZES_FROM, *(Param(name, words, "form") for name, words in (
              ("crop_size", "Side of the crop, in pixels."), ("solver_type", "Does not matter to the graph."),
              ("use_mean", "Does not matter to the graph."), ("num_gpus", "Does not matter to the graph."))))),
    Route("POST", "/models/to-fcn", "A classifier's definition made fully convolutional", "networks", api="fcn:of_text", twin=True,
          params=(FRAMEWORK, NETWORK_TEXT, STANDARD_TEXT, SIZES_FROM, *FCN,
                  *(Param(name, "Of the classifier's pictures, in pixels.", "form") for name in ("height", "width", "crop_size")),
                  Param("channels", "Of the classifier's pictures.", "form"))),
    Route("GET", "/models/{job_id}/to_fcn", "A model's network made fully convolutional, as a page", "models", page="fcn:show",
          params=(*(replace(each, where="query") for each in FCN), replace(EPOCH, where="query"))),
    Route("POST", "/models/{job_id}/to_fcn", "A model's network made fully convolutional", "networks", api="fcn:of_model", twin=True,
          params=(*FCN, EPOCH)),
    Route("POST", "/models/visualize-lr", "The learning rate over a training", "networks", api="networks:visualize_lr",
          answer="json-html", spec=TrainSpec),
    Route("POST", "/models/augmentation-preview", "Pictures of a dataset as a training might see them", "networks",
          api="augmenting:preview", twin=True, spec=TrainSpec, params=(
              Param("dataset", "Id of the dataset.", "form"), Param("seed", "Another one shows other pictures.", "form"))),
    Route("POST", "/models/network-table", "The layers of a network with shapes and costs", "networks", api="networks:table",
          twin=True, params=(FRAMEWORK, NETWORK_TEXT, STANDARD_TEXT, SIZES_FROM,
                             *(Param(name, "Of the input.", "form") for name in ("channels", "height", "width")),
                             Param("num_classes", "Number of classes.", "form"),
                             Param("crop_size", "Side of the crop, in pixels.", "form"),
                             Param("batch_size", "Pictures in a step.", "form"),
                             Param("details", "true: also lines, states, costs of the whole and warnings.", "form"))),
    Route("GET", "/models/view-config/{extension}", "The settings of a way to show outputs, as a fragment", "inference",
          api="infer:view_config", answer="html"),
    Route("GET", "/extension-static/view/{extension}/{file}", "The script or the style sheet of a view", "inference",
          api="infer:view_file", answer="file"),
    Route("GET", "/models/looks/{look}", "Pictures that were asked about before, in any view", "inference", api="infer:look",
          answer="either", twin=True, params=(Param("place", "The number of the first picture, from 0."),)),
    Route("GET", "/models/inside/{look}/{number}.png", "A layer's picture, of an answer with visualizations", "inference",
          api="inside:picture", answer="file"),
    Route("GET", "/models/{job_id}/network", "The network of a model: its layers and its graph", "models", page="networks:show",
          api="networks:of_model", twin=True),
    Route("POST", "/models/copy-table", "Which weights would be copied into which layers", "networks",
          api="finetuning:copy_table", twin=True, spec=TrainSpec, params=(
              FRAMEWORK, Param("dataset_id", "Takes the sizes from this dataset.", "form"))),
    Route("GET", "/models/compare", "Several models side by side: settings that differ, curves, what they came to", "models",
          page="comparing:show", api="comparing:show", twin=True, params=(
              Param("ids", "Comma-separated ids of 2 to 20 models.", required=True),)),
    Route("GET", "/models/{job_id}/metrics", "Curves of a training", "models", api="curves:metrics", twin=True, params=(
        Param("series", "Comma-separated names; all where it is not given."), Param("from", "First epoch."),
        Param("to", "Last epoch."), Param("points", "At most so many buckets a series (2000)."),
        Param("after", "Only what came after this step."))),
    Route("GET", "/models/{job_id}/report.html", "All about a model in one file to hand on, without outside references", "models",
          api="report:report", answer="html"),
    Route("GET", "/models/{job_id}/metrics.csv", "Every point of the curves", "models", api="curves:metrics_csv", answer="file"),
    *(Route("GET POST", f"/models/{{job_id}}/download{ending}", "The trained model as one archive", "models",
            api="download:download", answer="file", params=(Param("epoch", "Epoch of the snapshot, or best; the newest where it is not given."),))
      for ending in ("", ".{extension}")),
    Route("GET", "/models/{job_id}/export/{format}", "The trained model as a file for other programs", "models",
          api="export:export", answer="file", params=(Param("epoch", "Epoch of the snapshot, or best; the newest where it is not given."),)),
    Route("POST", "/models/{job_id}/resume", "Let a training that is over go on, as the same job", "models", api="models:resume",
          twin=True, login="action", params=(
              Param("train_epochs", "The new end, counted from the beginning; stays as it is where it is not given.", "form"),)),
    Route("GET POST", "/models/{job_id}/to_pretrained", "Keep a snapshot as a pretrained model", "pretrained", api="pretrained:of_model",
          answer="either", twin=True, login="action", changes=True, params=(
              Param("epoch", "Epoch of the snapshot, or best; the newest where it is not given."),)),
    Route("DELETE", "/models/{job_id}/snapshots/{epoch}", "Delete a snapshot of a training that is over", "models",
          api="models:drop_snapshot", answer="text", login="action"),
    Route("POST", "/models/{job_id}/evaluations", "Let a model answer a whole database, as a job", "evaluations",
          api="evaluations:start", twin=True, login="action", spec=EvaluationSpec),
    Route("GET", "/models/{job_id}/evaluations", "The evaluations of a model", "evaluations", api="evaluations:listed", twin=True),
    Route("GET", "/evaluations/{job_id}", "An evaluation: metrics, rates of the classes, confusion", "evaluations",
          page="evaluations:show", api="evaluations:show", twin=True, params=(
        Param("show", "Of the page: pictures alone, `wrong` ones, `unsure` right ones or `all`."),
        Param("true", "Of the page: pictures of this class id."), Param("predicted", "Of the page: taken for this class id."),
        Param("of", "Of the page: the matrix round this class id."), Param("page", "Of the pictures, from 0."))),
    Route("GET", "/models/{job_id}", "A model", "models", page="models:show", api="models:show", twin=True),
]  # fmt: skip

PRETRAINED = [
    Route("GET", "/pretrained_models/new", "The form of a pretrained model", "pretrained", page="pretrained:new", login="page",
          params=(CLONE,)),
    Route("POST", "/pretrained_models/new", "Keep weights that were trained elsewhere", "pretrained", api="pretrained:create",
          answer="either", twin=True, login="action", spec=PretrainedForm),
    Route("POST", "/pretrained_models/upload_archive", "Keep a model that was downloaded as an archive", "pretrained",
          api="pretrained:upload_archive", twin=True, login="action", params=(
              Param("archive", "A .tar, .tar.gz, .tar.bz2 or .zip with info.json.", "file"),
              Param("archive_upload", "The same, sent in pieces before.", "form"))),
    Route("GET", "/store/list", "The model stores", "pretrained", page="modelstore:show", params=(
        Param("refresh", "1: the stores are read anew."),)),
    Route("GET", "/store/models", "What the model stores offer", "pretrained", api="modelstore:models", answer="json-html", twin=True,
          params=(Param("refresh", "1: they are read anew; what was found is kept for a day."),)),
    Route("GET POST", "/store/push", "Bring a model of a store in", "pretrained", api="modelstore:push", answer="text", twin=True,
          login="action", changes=True, params=(Param("id", "Id of the entry.", required=True),)),
    Route("GET", "/pretrained_models/{job_id}", "A pretrained model", "pretrained", page="pretrained:show", api="pretrained:show", twin=True),
]  # fmt: skip


def dataset_routes(kind: DatasetExtension) -> list[Route]:
    """Return the rows that an installed kind of dataset brings."""
    base = f"/datasets/{kind.route}"
    rows = [
        Route("GET", f"{base}/new", f"The form of a new {kind.title}", "datasets", page="datasets:new", login="page",
              params=(CLONE,)),
        Route("POST", base, f"Make a new {kind.title}", "datasets", api="create:dataset", answer="either", twin=True,
              login="action", params=(CLONE,), spec=kind.spec),
        *_old_rows(kind),
        Route("GET", f"{base}/explore", "The records of a dataset, page by page", "datasets", page="datasets:explore",
              api="datasets:explore", twin=True, params=(
            JOB_ID, Param("db", "train, val or test."), Param("page", "From 0."), Param("size", "Records a page (25)."),
            Param("label", "Only this class id."), Param("search", "Only where the path holds this."))),
    ]  # fmt: skip
    return [replace(row, extension=kind) for row in rows]


def _old_rows(kind: DatasetExtension) -> list[Route]:
    """Return DIGITS' own paths of a kind of dataset that was an extension there: it named them by the extension."""
    if kind.route == "images/classification":
        return []
    return [
        Route("GET", f"/datasets/generic/new/{kind.name}", f"The form of a new {kind.title}, by DIGITS' path", "datasets",
              page="datasets:new", login="page", params=(CLONE,)),
        Route("POST", f"/datasets/generic/create/{kind.name}", f"Make a new {kind.title}, by DIGITS' path", "datasets",
              api="create:dataset", answer="either", twin=True, login="action", params=(CLONE,), spec=kind.spec),
    ]  # fmt: skip


def _training_routes(base: str) -> list[Route]:
    return [
        Route("GET", f"{base}/new", "The form of a new model", "models", page="models:new", login="page", params=(CLONE,)),
        Route("GET", f"{base}/large_graph", "The curves alone", "models", page="models:large_graph", params=(JOB_ID,)),
        Route("POST", base, "Train a model, or one for each of several values", "models", api="create:model", answer="either", twin=True,
              login="action", params=(CLONE,), spec=TrainSpec),
    ]  # fmt: skip


def generic_routes(kinds: Sequence[DatasetExtension]) -> list[Route]:
    """Return the rows of models of the kinds of datasets that share DIGITS' generic path; a form of its own for each kind."""
    base = f"/models/{GENERIC_MODELS}"
    rows = _training_routes(base)
    for kind in kinds:
        words = f"{kind.model_title or kind.title}"
        rows += [
            Route("GET", kind.model_form, f"The form of a new {words}", "models", page="models:new", login="page", params=(CLONE,),
                  extension=kind),
            Route("POST", f"{base}{kind.name}", f"Train a new {words}, by the path that DIGITS has without a slash", "models",
                  api="create:model", answer="either", twin=True, login="action", params=(CLONE,), spec=TrainSpec, extension=kind),
        ]  # fmt: skip
    return rows


def classifier_routes(kind: DatasetExtension) -> list[Route]:
    """Return the rows of models that classify."""
    base = f"/models/{kind.model_route}"
    rows = [
        *_training_routes(base),
        Route("GET POST", f"{base}/classify_one", "The classes of one picture", "inference", api="classify:one", answer="either",
              twin=True, params=(*ONE, LAYERS)),
        Route("GET POST", f"{base}/classify_many", "The classes of a list of pictures, or of a dataset", "inference", api="classify:many", answer="either",
              twin=True, params=LIST),
        Route("GET POST", f"{base}/top_n", "The pictures that look most like each class", "inference", api="classify:top_n",
              answer="either", twin=True, params=(*LIST, Param("top_n", "Pictures a class (9).", "form"))),
    ]  # fmt: skip
    return [replace(row, extension=kind) for row in rows]


def routes() -> Sequence[Route]:
    """Return every row; fixed paths stand before those with an id in them."""
    kinds: list[DatasetExtension] = list(installed("datasets").values())
    rows = [*GENERAL, *JOBS]
    for kind in kinds:
        rows += dataset_routes(kind)
    for route in sorted({kind.model_route for kind in kinds} - {"", GENERIC_MODELS}):
        rows += classifier_routes(of_route(route).kinds[0])
    rows += generic_routes([kind for kind in kinds if kind.model_route == GENERIC_MODELS])
    return [*rows, *DATASETS, *MODELS, *PRETRAINED]
