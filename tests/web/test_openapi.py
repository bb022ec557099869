from __future__ import annotations

import re

from digits.web.dispatch import handler
from digits.web.fields import describe
from digits.web.routes import routes
from tests.web.conftest import World


def test_every_row_of_the_table_names_handlers_that_exist_and_say_what_they_do() -> None:
    for row in routes():
        for package, reference in (("pages", row.page), ("api", row.api)):
            if reference:
                assert (handler(package, reference).__doc__ or "").strip(), reference
        assert row.page or row.api, row.path


def test_no_two_rows_answer_one_address() -> None:
    seen = [(method, row.path) for row in routes() for method in row.methods.split()]

    assert len(seen) == len(set(seen))


def test_a_row_with_an_id_shadows_no_fixed_path() -> None:
    rows = [(method, row.path) for row in routes() for method in row.methods.split()]
    for place, (method, path) in enumerate(rows):
        for other_method, other in rows[place + 1 :]:
            if method == other_method and "{" not in other and "path:path" not in path:
                assert not re.fullmatch(re.sub(r"{[^}]+}", "[^/]+", path), other), (path, other)


def test_the_document_lists_every_row_with_its_parameters_and_twins(world: World) -> None:
    document = world.site.json("/openapi.json")

    paths = document["paths"]
    for row in routes():
        for path in (row.path, row.path + ".json") if row.twin else (row.path,):
            known = paths[path.replace(":path", "")]
            for method in row.methods.lower().split():
                assert known[method]["summary"] == row.summary
                names = {each["name"] for each in known[method].get("parameters", [])}
                assert set(re.findall(r"{(\w+)", path)) <= names
    operations = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(operations) == len(set(operations))


def test_a_form_is_documented_field_by_field(world: World) -> None:
    document = world.site.json("/openapi.json")

    for row in routes():
        if row.spec is None or "POST" not in row.methods:
            continue
        schema = document["paths"][row.path]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
        fields = describe(row.spec)
        assert set(fields) <= set(schema["properties"])
        assert all(schema["properties"][name]["description"] for name in fields)
    create = document["paths"]["/datasets/images/classification"]["post"]["requestBody"]
    properties = create["content"]["multipart/form-data"]["schema"]["properties"]
    assert properties["resize_mode"]["enum"] == ["crop", "squash", "fill", "half_crop"]
    assert create["content"]["application/json"]["schema"]["$ref"] == "#/components/schemas/ClassificationSpec"
    assert (properties["folder_pct_val"]["minimum"], properties["folder_pct_val"]["maximum"]) == (0, 100)


def test_references_within_the_document_lead_somewhere(world: World) -> None:
    text = world.site.client.get("/openapi.json").text

    for reference in set(re.findall(r'"\$ref": "#/([^"]+)"', text)):
        part = world.site.json("/openapi.json")
        for step in reference.split("/"):
            part = part[step]


def test_the_page_of_the_documentation_runs_no_inline_script(world: World) -> None:
    page = world.site.client.get("/docs").text

    assert 'data-openapi="/openapi.json"' in page
    assert not re.search(r"<script(?![^>]*src=)", page)
    assert "style=" not in page
