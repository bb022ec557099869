"""Making jobs: a dataset, a model, or a model for each of several values."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError, NotFoundError, SetupError
from digits.core.extensions import DatasetExtension, FrameworkExtension, absence, extension, interpreter, load
from digits.core.healthspec import HealthSpec
from digits.core.jobfolder import JobFolder, TaskPlan
from digits.core.secretfiles import write_secrets
from digits.core.spec import DatasetSpec, Spec
from digits.core.trainspec import CustomNetwork, LentNetwork, TrainSpec
from digits.store import Job
from digits.web import beginnings, deriving, formfiles, healthchecks, jobjson, modelkinds, secretfields
from digits.web.answers import as_json, redirect, wants_json
from digits.web.beginnings import Begun
from digits.web.dispatch import handler
from digits.web.fields import FormView, form_view
from digits.web.forms import (
    Fields,
    Parsed,
    Problems,
    by_flat_name,
    flatten_stored,
    mend,
    parse,
    parse_json,
    sweep,
    sweep_json,
)
from digits.web.modelkinds import ModelKind
from digits.web.reading import Form, argument, read_form
from digits.web.site import settings, store
from digits.web.snapshots import BEST, best_epoch, without_best

S = TypeVar("S", bound=Spec)
FORM = "form"
"""Where problems of the form as a whole stand in a JSON answer."""


def clone_fields(request: Request, spec: type[Spec]) -> dict[str, list[str]]:
    """Return the flat fields of the job that ``clone=`` names, {} without it.

    Raises:
        NotFoundError: there is no such job.
    """
    job_id = argument(request, "clone")
    if not job_id:
        return {}
    stored = secretfields.without(spec, flatten_stored(spec, _made_of(store(request).job(job_id))))
    return formfiles.of_clone(spec, job_id, stored)


def _made_of(job: Job) -> dict[str, Any]:
    """Return a job's spec with its present name and group; of a dataset with the seed that chance gave it: its clone holds the same pictures."""
    spec = job.spec | {"name": job.name, "group": job.group}
    seed = job.facts.get("random_seed") if job.kind == "dataset" else None
    return spec if seed is None or spec.get("random_seed") is not None else spec | {"random_seed": seed}


async def dataset(request: Request) -> Response:
    """``POST /datasets/<kind>``: queue a build; a bad form is shown again, values kept."""
    kind: DatasetExtension = request.state.extension
    form = await read_form(request)
    fields = form.fields | await formfiles.receive(request, kind.spec, form)
    fields |= await run_in_threadpool(clone_fields, request, kind.spec)
    parsed = _parse(request, kind.spec, form, fields)
    good = parsed.spec or mend(kind.spec, fields, parsed.problems)
    if good is not None:  # a folder that is not there is told even while other fields are wrong
        found = await run_in_threadpool(check_dataset, request, kind, good)
        parsed = Parsed(parsed.spec, found | parsed.problems)
    if parsed.spec is None or parsed.problems:
        return await _refused(request, "datasets", kind, fields, parsed.problems)
    job = await run_in_threadpool(submit_dataset, request, kind, parsed.spec)
    return as_json(jobjson.created(job)) if wants_json(request) else redirect(request, f"/datasets/{job.id}")


def check_dataset(request: Request, kind: DatasetExtension, spec: Spec) -> Problems:
    """Return what is wrong with a dataset beyond its own fields, by flat name."""
    found, problems = formfiles.FormFiles.of(request).found(spec)
    return by_flat_name(spec, problems or load(kind.check)(found, settings(request)))


def submit_dataset(request: Request, kind: DatasetExtension, spec: DatasetSpec) -> Job:
    """Queue the build of a dataset; one that begins with another's records waits for that one."""
    with _new_folder(request) as folder:
        spec, secrets = secretfields.taken_out(formfiles.FormFiles.of(request).moved(spec, folder))
        if secrets:
            write_secrets(settings(request).secrets, folder.id, secrets)
    job = store(request).submit(
        kind="dataset", extension=kind.name, title=kind.title, name=spec.name, group=spec.group, folder=folder,
        username=request.state.user, worker="build", tasks=load(kind.tasks)(spec), spec=spec.model_dump(mode="json"),
        depends_on=deriving.first_base(spec),
    )  # fmt: skip
    if spec.check_health:
        healthchecks.start(store(request), job, HealthSpec(), request.state.user)
    return job


@contextmanager
def _new_folder(request: Request) -> Iterator[JobFolder]:
    """Give the folder of a job to be submitted, for files that belong in it; it goes if the block fails."""
    folder = store(request).new_folder()
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


async def model(request: Request) -> Response:
    """``POST /models/<kind>``: queue a training, or one for each combination of several rates and batch sizes."""
    kind = modelkinds.asked(request)
    form = await read_form(request)
    fields = _old_names(form.fields) | await formfiles.receive(request, TrainSpec, form)
    fields |= await run_in_threadpool(clone_fields, request, TrainSpec)
    asked = await run_in_threadpool(_without_best, request, form, fields)
    asked = await run_in_threadpool(_with_defaults, request, kind, form, asked)
    wanted, problems = await run_in_threadpool(_trainings, request, kind, form, asked)
    if problems:
        return await _refused(request, "models", kind, fields, problems)
    jobs = [await run_in_threadpool(_submit, request, kind, spec, begun) for spec, begun in wanted]
    if wants_json(request):
        answers = [jobjson.model(job, store(request).job(job.depends_on), None) for job in jobs]
        return as_json(answers[0] if len(answers) == 1 else {"jobs": answers})
    return redirect(request, f"/models/{jobs[0].id}" if len(jobs) == 1 else "/")


def _parse(request: Request, spec: type[S], form: Form, fields: Fields) -> Parsed[S]:
    """Read a JSON body as the nested spec, anything else as flat fields."""
    body = _nested(request, form)
    return parse(spec, fields) if body is None else parse_json(spec, body)


def _nested(request: Request, form: Form) -> dict[str, Any] | None:
    """Return a JSON body; None where the fields are flat, as those of every clone are."""
    if form.json is None or argument(request, "clone"):
        return None
    return {name: value for name, value in form.json.items() if name != "username"}


async def _refused(
    request: Request, noun: str, kind: DatasetExtension | ModelKind, fields: Fields, problems: Problems
) -> Response:
    if wants_json(request):
        return as_json({"errors": {name or FORM: texts for name, texts in problems.items()}}, status=400)
    page = handler("pages", f"{noun}:form_page")
    view: FormView = form_view(
        kind.spec if isinstance(kind, DatasetExtension) else TrainSpec, fields, problems, submitted=True
    )
    return await run_in_threadpool(page, request, kind, view, status=HTTPStatus.BAD_REQUEST)


def _old_names(fields: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the fields with those of DIGITS' forms for one GPU or a comma list put under their present names."""
    found = dict(fields)
    listed = next(iter(found.get("select_gpus_list", ())), "")
    single = next(iter(found.get("select_gpu", ())), "next")
    if "select_gpus" not in found:
        if listed:
            found["select_gpus"] = [listed]
        elif single not in ("", "next"):
            found["select_gpus"] = [single]
    return found


def _without_best(request: Request, form: Form, fields: Fields) -> Fields:
    """Return the fields, and leave the form's JSON body, with a number where the best snapshot of another model is asked for."""
    kept, job_id = store(request), next(iter(fields.get("previous_networks", ())), "")
    for name in ("previous_epoch", f"{job_id}-snapshot"):
        fields = without_best(kept, fields, name, job_id)
    network = (form.json or {}).get("network")
    if isinstance(network, dict) and network.get("epoch") == BEST:
        epoch = best_epoch(kept, kept.job(str(network.get("job", ""))))
        form.json = {**(form.json or {}), "network": network | {"epoch": epoch}}
    return fields


def _with_defaults(request: Request, kind: ModelKind, form: Form, fields: Fields) -> Fields:
    """Return the fields, and leave the form's JSON body, with what models of such a dataset begin with where nothing is said of it."""
    job_id = next(iter(fields.get("dataset", ())), "")
    try:
        dataset = store(request).job(job_id) if job_id else None
    except NotFoundError:
        dataset = None
    more = modelkinds.defaults(dataset, kind)
    if form.json is not None:
        form.json = {**more, **form.json}
    return {**{name: [text] for name, text in more.items()}, **fields}


def _trainings(
    request: Request, kind: ModelKind, form: Form, fields: Fields
) -> tuple[list[tuple[TrainSpec, Begun]], Problems]:
    """Return the trainings that a form asks for with what they begin with, or what is wrong with any of them."""
    wanted: list[tuple[TrainSpec, Begun]] = []
    problems: Problems = {}
    begun: dict[object, Begun] = {}
    files = formfiles.FormFiles.of(request)
    try:
        asked = _sweep(request, form, fields)
    except DigitsError as error:
        return [], {error.where: [f"{error.message} {error.hint}"]}
    for parsed, apart in asked:
        found = dict(parsed.problems)
        if parsed.spec is not None:
            sent, wrong = files.found(parsed.spec)
            key = (sent.network, sent.dataset)  # a sweep's trainings all begin alike
            if key not in begun:
                begun[key] = beginnings.find(store(request), sent)
            found = by_flat_name(parsed.spec, wrong or _check(request, kind, parsed.spec, begun[key]))
            wanted.append((_told_apart(parsed.spec, apart), begun[key]))
        for name, texts in found.items():
            known = problems.setdefault(name, [])
            known.extend(text for text in texts if text not in known)
    return wanted, problems


def _sweep(request: Request, form: Form, fields: Fields) -> list[tuple[Parsed[TrainSpec], dict[str, str]]]:
    """Return the trainings that the lists of a form or of a JSON body ask for, each with the values that set it apart."""
    body = _nested(request, form)
    if body is not None:
        return [(parse_json(TrainSpec, each), apart) for each, apart in sweep_json(TrainSpec, body)]
    return [(parse(TrainSpec, each), apart) for each, apart in sweep(TrainSpec, fields)]


def _told_apart(spec: TrainSpec, apart: Mapping[str, str]) -> TrainSpec:
    """Return one training of a sweep with DIGITS' suffix to its name, in a group with the others."""
    if not apart:
        return spec
    suffix = "".join(f" {name}:{value}" for name, value in apart.items())
    return spec.model_copy(update={"name": spec.name + suffix, "group": spec.group or spec.name})


def _check(request: Request, kind: ModelKind, spec: TrainSpec, begun: Begun) -> dict[str, list[str]]:
    """Return what is wrong with a training beyond its own fields, by dotted path."""
    try:
        dataset = store(request).job(spec.dataset)
    except NotFoundError:
        return {"dataset": ["Unknown dataset job_id"]}
    if dataset.kind != "dataset":
        return {"dataset": ["Unknown dataset job_id"]}
    if not dataset.is_running and dataset.state.value != "Done":
        return {"dataset": [f"{dataset.name!r} is {dataset.state.value}; choose a dataset that is done."]}
    if absent := absence("datasets", dataset.extension):
        return {"dataset": [f"What {dataset.name!r} is read with is missing. {absent}"]}
    if not kind.takes(dataset):
        return {
            "dataset": [f"{dataset.name!r} is an {dataset.title}; its models are made at {modelkinds.form(dataset)}."]
        }
    try:
        framework: FrameworkExtension = extension("frameworks", spec.framework)
        interpreter(spec.framework, store(request).settings.pythons)
    except (NotFoundError, SetupError) as error:
        return {"framework": [str(error)]}
    known = {gpu.index for gpu in store(request).gpus()}
    missing = [gpu for gpu in spec.gpus if known and gpu not in known]
    problems = {"gpus": [f"There is no GPU {gpu} here." for gpu in missing]} if missing else {}
    if begun.problems:
        return problems | begun.problems
    lent = isinstance(spec.network, LentNetwork)
    asked = spec.model_copy(update={"network": CustomNetwork(text=begun.text)}) if lent else spec
    found: Mapping[str, list[str]] = load(framework.check)(asked, dataset_facts(dataset))
    return problems | {"network.job" if lent and path == "network.text" else path: found[path] for path in found}


def dataset_facts(dataset: Job) -> dict[str, Any]:
    """Return what is known of a dataset: what was found, or while it is being made, the picture size asked for."""
    shape = jobjson.picture_shape(dataset)
    if dataset.facts or shape is None:
        return dataset.facts
    return {"image": dict(zip(("height", "width", "channels"), shape, strict=True))}


def _submit(request: Request, kind: ModelKind, spec: TrainSpec, begun: Begun) -> Job:
    framework: FrameworkExtension = extension("frameworks", spec.framework)
    on_cpu = spec.device == "cpu"
    with _new_folder(request) as folder:
        spec = beginnings.keep(begun, spec, folder)
    return store(request).submit(
        kind="model", extension=spec.framework, title=modelkinds.title(store(request).job(spec.dataset), kind), name=spec.name, group=spec.group,
        username=request.state.user, worker="train", depends_on=spec.dataset,
        tasks=(TaskPlan(name="train", title=f"Train {framework.title} Model"),),
        num_gpus=0 if on_cpu else len(spec.gpus) or spec.num_gpus, gpus=() if on_cpu else spec.gpus,
        spec=spec.model_dump(mode="json"), folder=folder,
    )  # fmt: skip
