"""What a source holds, asked before a dataset is made of it: by its path, or by the fields of the form as they stand."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from digits.core.errors import DigitsError
from digits.core.extensions import DatasetExtension, extension, load
from digits.core.spec import Spec
from digits.data.remote import is_remote
from digits.web import formfiles, services
from digits.web.answers import as_json
from digits.web.forms import Fields, Problems, by_flat_name, flatten_stored, parse, parse_part
from digits.web.paths import require_allowed
from digits.web.reading import Form, argument, number, read_form
from digits.web.shape import Choice, shape
from digits.web.site import settings

PART = "source"
"""The part of a spec that says where the pictures come from."""
MAX_AGAIN = 40


async def inspect(request: Request) -> Response:
    """``POST /datasets/inspect``: kind, classes, counts and refused files of a source; ``state`` says "running" or "done"."""
    form = await read_form(request)
    kind: DatasetExtension = extension("datasets", argument(request, "extension") or "image-classification")
    if argument(request, "brief") not in ("", "false"):
        return as_json(await run_in_threadpool(_recognised, request, kind))
    question, problems = await _question(request, kind, form)
    if problems:
        return as_json({"errors": problems}, status=HTTPStatus.BAD_REQUEST)
    found = await services.scan(request, "/folder", question, number(request, "wait"))
    return as_json(_for_the_form(kind, question, found))


def _recognised(request: Request, kind: DatasetExtension) -> dict[str, Any]:
    """Return what lies at ``path``, without counting anything."""
    path = Path(argument(request, "path"))
    require_allowed(path.expanduser(), settings(request))
    if not kind.recognise:
        raise DigitsError(f"A {kind.title} is not made of a path alone.", hint="Give its fields.")
    found: dict[str, Any] = load(kind.recognise)(path)
    return _for_the_form(kind, {}, found)


async def _question(request: Request, kind: DatasetExtension, form: Form) -> tuple[dict[str, Any], Problems]:
    """Return what the inspector is asked, or what is wrong with the fields by flat name."""
    question: dict[str, Any] = {"extension": kind.name}
    if path := argument(request, "path"):
        require_allowed(Path(path).expanduser(), settings(request))
        question["path"] = path
    if again := argument(request, "again"):  # another word here is another question: no look of a minute ago answers it
        question["again"] = again[:MAX_AGAIN]
    if not isinstance(shape(kind.spec).parts.get(PART), Choice):
        return await run_in_threadpool(_whole_form, request, kind, form, question)
    fields = _of_the_source(kind, form.fields | await formfiles.receive(request, kind.spec, form))
    if fields:
        source, problems = parse_part(kind.spec, PART, fields)
        if source is None:
            return {}, problems
        found, problems = await run_in_threadpool(formfiles.FormFiles.of(request).found, source)
        if problems:
            return {}, {PART: [text for texts in problems.values() for text in texts]}
        _require_allowed(request, found)
        question["source"] = found.model_dump(mode="json")
    if "path" not in question and "source" not in question:
        raise DigitsError("path is a required field")
    return question, {}


def _whole_form(
    request: Request, kind: DatasetExtension, form: Form, question: dict[str, Any]
) -> tuple[dict[str, Any], Problems]:
    """Return the question about a kind of dataset all of whose fields say what it is made of; a path alone is recognised."""
    paths = [leaf.flat for leaf in shape(kind.spec).leaves() if leaf.extra.get("widget") == "path"]
    if "path" in question and not any(texts[0] for name in paths if (texts := form.fields.get(name))):
        return question, {}
    parsed = parse(
        kind.spec, {"dataset_name": ["-"]} | {name: texts for name, texts in form.fields.items() if any(texts)}
    )
    if parsed.spec is None:
        return {}, parsed.problems
    _require_allowed(request, parsed.spec)
    if problems := load(kind.check)(parsed.spec, settings(request)):
        return {}, by_flat_name(parsed.spec, problems)
    question.pop("path", None)
    return question | {"source": parsed.spec.model_dump(mode="json")}, {}


def _of_the_source(kind: DatasetExtension, fields: Fields) -> Fields:
    """Return the fields that say where the pictures are; none where the form says nothing of it. Shares and bounds do not matter yet."""
    choice = shape(kind.spec).parts.get(PART)
    if not isinstance(choice, Choice):
        return {}
    found: dict[str, Any] = {}
    for method, branch in choice.branches.items():
        leaves = [leaf for leaf in branch.leaves() if leaf.kind in ("str", "bool", "literal")]
        found |= {leaf.flat: fields[leaf.flat] for leaf in leaves if leaf.flat in fields}
        if choice.flat not in fields and any(fields.get(leaf.flat, [""])[0] for leaf in leaves if _is_file(leaf.extra)):
            found[choice.flat] = [method]
    if choice.flat in fields:
        found[choice.flat] = fields[choice.flat]
    return found if choice.flat in found else {}


def _is_file(extra: Any) -> bool:
    return bool(extra.get("widget") == "file")


def _require_allowed(request: Request, source: Spec) -> None:
    for leaf in shape(type(source)).leaves():
        if leaf.extra.get("widget") == "path" and (text := getattr(source, leaf.name)) and not is_remote(text):
            require_allowed(Path(text).expanduser(), settings(request))


def _for_the_form(kind: DatasetExtension, question: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """Return an answer with the form's fields for what was recognised; where nothing was, its source is the sender's own."""
    source = found.pop("source", None)
    if source is None or ("source" in question and not found.get("differs")):
        return found
    return found | {"source": source, "fields": flatten_stored(kind.spec, {PART: source})}
