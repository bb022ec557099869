"""A definition made fully convolutional over HTTP: what is asked of the inspector, and what comes back."""

from __future__ import annotations

from typing import Any

from digits.core.errors import NetworkError
from digits.networks.fcn.caffe import to_fcn
from digits.networks.standard import standard_text
from tests.web.conftest import World
from tests.web.standin import service
from tests.web.test_classify import forget


def inspector(path: str, question: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Answer as the inspector does, in this process."""
    assert path == "/to-fcn"
    try:
        return 200, to_fcn(question)
    except NetworkError as error:
        return 400, {"error": {"message": error.message, "where": error.where, "hint": error.hint}}


def test_a_definition_comes_back_with_its_table_and_how_far_its_scores_are_from_the_classifiers(world: World) -> None:
    world.site.login("ana")
    asked = {"custom_network": standard_text("lenet"), "channels": "1", "height": "28", "width": "28"}

    with service(world.site.store, "inspect", inspector):
        answer = world.site.client.post("/models/to-fcn?framework=caffe", data=asked)
        refused = world.site.client.post("/models/to-fcn?framework=caffe", data=asked | {"skip": "8s"})
    forget(world.site.store)

    found = answer.json()
    rows = {row["layer"]: row for row in found["table"]}
    assert found["checked_max_difference"] <= 1e-5
    assert (rows["ip1"]["kernel"], rows["ip1"]["cumulative"]) == (4, "1/4")
    assert (rows["upscore"]["kernel"], rows["upscore"]["stride"]) == (7, 4)
    assert "Deconvolution" in found["network"]
    assert refused.status_code == 400
    assert "4 times smaller" in refused.text
