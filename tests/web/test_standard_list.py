"""The list of standard networks, for one dataset."""

from __future__ import annotations

from tests.web.conftest import World
from tests.web.markup import read

NEW = "/models/images/classification/new"


def test_each_network_is_offered_with_what_it_learns_on_the_dataset_or_why_it_cannot(world: World) -> None:
    world.site.login("ana")

    tree = read(world.site.client.get(f"{NEW}?dataset={world.ids['mnist']}").text)
    listed = read(world.site.client.get(f"/models/standard-networks?dataset_id={world.ids['mnist']}").text)
    rows = world.site.client.get(f"/models/standard-networks.json?dataset_id={world.ids['mnist']}").json()["networks"]

    for table in (tree.one(id="standard-networks"), listed):
        words = {row.one("input").attributes["value"]: row.text for row in table.one("tbody").find("tr")}
        assert "431,080" in words["lenet"]
        assert "takes 39 × 39 or more" in words["alexnet"]
    found = {row["name"]: (row["parameters"], row["least_side"]) for row in rows}
    assert found["lenet"] == (431_080, 13)
    assert found["alexnet"] == (None, 39)
    assert found["resnet18"][0] == 11_689_512 - 990 * 513 - 2 * 64 * 49  # 10 classes, one channel
