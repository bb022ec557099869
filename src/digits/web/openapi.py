"""The REST API described: from the rows of the table and the specs of their forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from digits.core.spec import Spec
from digits.web.fields import describe
from digits.web.routes import Param, Route

MEDIA = {"html": "text/html", "json-html": "text/html", "text": "text/plain", "file": "application/octet-stream"}
REFERENCE = "#/components/schemas/{model}"
PATH_WORDS = {
    "job_id": "Id of the job.",
    "upload_id": "Id of the upload.",
    "name": "The file's name.",
    "path": "Path below the jobs folder: <job id>/<file>.",
    "extension": "tar, tar.gz, tgz, tar.bz2 or zip.",
    "format": "caffemodel, onnx, pt2 or safetensors, of a Caffe model.",
    "db": "train, val or test.",
    "epoch": "Epoch of the snapshot.",
    "index": "Place of the record in the database, from 0.",
    "look": "What was asked about, as the page or the rows of an answer name it.",
    "number": "Place of a row in it, from 0.",
    "file": "Name of the file.",
}


def describe_route(row: Route, method: str, path: str) -> dict[str, Any]:
    """Return the OpenAPI operation of one method of a row."""
    names = [name.partition(":")[0] for name in re.findall(r"{([^}]+)}", path)]
    in_form = method not in ("GET", "HEAD") or not any(each.where == "query" for each in row.params)
    parameters = [
        {"name": name, "in": "path", "required": True, "description": PATH_WORDS[name], "schema": {"type": "string"}}
        for name in names
    ]
    parameters += [_parameter(each) for each in row.params if each.where == "query" or method == "GET"]
    operation: dict[str, Any] = {
        "operationId": re.sub(r"[^A-Za-z0-9]+", "_", f"{method} {path}").strip("_").lower(),
        "description": _words(row),
        "responses": _responses(row, path),
    }
    if parameters:
        operation["parameters"] = parameters
    body = _body(row) if in_form and method != "GET" else None
    if body:
        operation["requestBody"] = body
    return operation


def _words(row: Route) -> str:
    login = " Needs a name: the cookie of /login, or the field `username`." if row.login else ""
    return f"{row.summary}.{login}"


def _parameter(param: Param) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"}
    if param.repeated:
        schema = {"type": "array", "items": schema}
    return {
        "name": param.name, "in": "query", "required": param.required, "description": param.help, "schema": schema,
    }  # fmt: skip


def _body(row: Route) -> dict[str, Any] | None:
    properties: dict[str, Any] = {}
    required: list[str] = []
    if row.spec is not None:
        properties, required = _fields(row.spec)
    for param in row.params:
        if param.where == "query":
            continue
        schema: dict[str, Any] = {"type": "string", "description": param.help}
        if param.where == "file":
            schema["format"] = "binary"
        properties[param.name] = {"type": "array", "items": schema} if param.repeated else schema
        required += [param.name] if param.required else []
    if not properties:
        return None
    schema = {"type": "object", "properties": properties} | ({"required": required} if required else {})
    kinds = ["multipart/form-data"]
    if not any(param.where == "file" for param in row.params):
        kinds.append("application/x-www-form-urlencoded")
    content: dict[str, Any] = {kind: {"schema": schema} for kind in kinds}
    if row.spec is not None and row.login:  # what makes a job takes the nested spec too
        content["application/json"] = {"schema": {"$ref": REFERENCE.format(model=row.spec.__name__)}}
    return {"content": content}


def _fields(spec: type[Spec]) -> tuple[dict[str, Any], list[str]]:
    found = describe(spec)
    return (
        {name: each.schema for name, each in found.items()},
        [name for name, each in found.items() if each.required and each.branch is None],
    )


def _responses(row: Route, path: str) -> dict[str, Any]:
    error = {"schema": {"$ref": "#/components/schemas/Error"}}
    media: dict[str, Any] = {}
    if row.page or row.answer == "either":
        media["text/html"] = {}
    if row.api:
        media[MEDIA.get(row.answer, "application/json")] = {}
    if path.endswith(".json"):
        media = {"application/json": {}}
    ok: dict[str, Any] = {"200": {"description": "Done", "content": media}}
    if row.answer == "redirect":
        ok = {"302": {"description": "Elsewhere"}}
    words = {"400": "What was sent does not do", "404": "There is none of that name"}
    if row.login:
        words |= {"401": "Nobody is logged in", "403": "It may not be done, or not by you"}
    return ok | {
        status: {"description": text, "content": {"application/json": error}} for status, text in sorted(words.items())
    }


def schemas(rows: Sequence[Route]) -> dict[str, Any]:
    """Return the named schemas that operations refer to: the error, and every spec with its parts."""
    found: dict[str, Any] = {"Error": ERROR_SCHEMA}
    for spec in {row.spec for row in rows if row.spec is not None}:
        schema = spec.model_json_schema(ref_template=REFERENCE)
        found |= schema.pop("$defs", {})
        found[spec.__name__] = schema
    return found


ERROR_SCHEMA = {
    "type": "object",
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type"],
            "properties": {
                "message": {"type": "string", "example": "404: Not Found"},
                "type": {"type": "string", "example": "NotFound"},
                "description": {"type": "string", "example": "Job not found"},
                "code": {"type": "string", "description": "A heading of docs/errors.md."},
                "where": {"type": "string"},
                "hint": {"type": "string"},
                "trace": {"type": "array", "items": {"type": "string"}, "description": "In debug mode alone."},
            },
        },
        "errors": {
            "type": "object",
            "description": "Of a form: field to its problems.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
    },
}
