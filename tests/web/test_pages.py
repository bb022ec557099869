"""What holds on every page: nothing inline, labels on all fields, names of people's making harmless, one heading, nothing from elsewhere."""

from __future__ import annotations

import re

import pytest

from tests.web.conftest import World
from tests.web.markup import Element, read
from tests.web.serving import Serving

PAGES = {
    "home": "/", "datasets": "/?tab=1", "pretrained": "/?tab=3", "login": "/login", "components": "/components", "docs": "/docs",
    "missing": "/jobs/20260101-000000-0000", "new dataset": "/datasets/images/classification/new",
    "new model": "/models/images/classification/new", "dataset": "/datasets/{mnist}", "dataset in the making": "/datasets/{building}",
    "broken dataset": "/datasets/{broken}", "model that runs": "/models/{running}", "model that waits": "/models/{waiting}",
    "model that is done": "/models/{done}", "model that failed": "/models/{nan}",
    "curves alone": "/models/images/classification/large_graph?job_id={done}",
}  # fmt: skip
UNLABELLED = ("hidden", "submit", "button")


@pytest.fixture(params=PAGES.values(), ids=list(PAGES))
def page(request: pytest.FixtureRequest, world: World) -> str:
    """Give the text of each page in turn, to somebody who is logged in."""
    world.site.login("ana")
    return world.site.client.get(request.param.format(**world.ids), headers={"Accept": "text/html"}).text


def test_a_page_has_nothing_inline_and_takes_nothing_from_elsewhere(page: str) -> None:
    tree = read(page)

    assert not tree.find("style")
    assert all(each.attributes.get("src") for each in tree.find("script"))
    for element in tree.walk():
        loud = [name for name in element.attributes if name == "style" or name.startswith("on")]
        assert not loud, (element.tag, loud)
        for name in ("src", "href"):
            if element.tag in ("script", "link", "img", "use", "source", "iframe"):
                address = element.attributes.get(name, "")
                assert not re.match(r"(https?:)?//", address), address


def test_a_page_has_one_heading_a_title_and_landmarks(page: str) -> None:
    tree = read(page)

    assert len(tree.find("h1")) == 1
    assert tree.one("head").one("title").text.endswith("· OpenDIGITS")
    assert tree.one("html").attributes["lang"] == "en"
    assert len(tree.find("main")) == 1
    identifiers = [each.attributes["id"] for each in tree.walk() if "id" in each.attributes]
    assert len(set(identifiers)) == len(identifiers), sorted(
        each for each in identifiers if identifiers.count(each) > 1
    )


def test_every_field_has_a_label_and_every_picture_a_text(page: str) -> None:
    tree = read(page)
    labels = {each.attributes["for"] for each in tree.find("label") if "for" in each.attributes}

    for tag in ("input", "select", "textarea"):
        for element in tree.find(tag):
            named = (
                element.attributes.get("aria-label") or element.attributes.get("id") in labels or _inside_label(element)
            )
            assert element.attributes.get("type") in UNLABELLED or named, element.attributes
    for picture in tree.find("img"):
        assert "alt" in picture.attributes, picture.attributes
    for button in tree.find("button"):
        assert button.text or button.attributes.get("aria-label"), button.attributes


def _inside_label(element: Element) -> bool:
    parent = element.parent
    while parent is not None:
        if parent.tag == "label" and parent.text:
            return True
        parent = parent.parent
    return False


def test_a_page_that_runs_says_so_and_a_page_that_is_over_does_not(world: World) -> None:
    def live(path: str) -> bool:
        return "data-live-every" in world.site.client.get(path).text

    assert live(f"/datasets/{world.ids['building']}")
    assert live(f"/models/{world.ids['running']}")
    assert not live(f"/datasets/{world.ids['mnist']}")
    assert not live(f"/models/{world.ids['done']}")


@pytest.mark.parametrize("path", ["/", "/models/{running}", "/datasets/{building}", "/datasets/{mnist}"])
def test_an_unchanged_page_answers_304(world: World, path: str) -> None:
    first = world.site.client.get(path.format(**world.ids))

    again = world.site.client.get(path.format(**world.ids), headers={"If-None-Match": first.headers["etag"]})

    assert first.status_code == 200
    assert (again.status_code, again.text) == (304, "")


def test_names_of_peoples_making_are_text_and_nothing_else(empty: Serving) -> None:
    nasty = "<img src=x onerror=alert(1)> {{ 7*7 }} \"'&"
    job = empty.store.submit(
        kind="dataset", extension="image-classification", title="Image Classification Dataset", name=nasty, worker="build",
        spec={"name": nasty}, username="ana", group=nasty, notes=nasty,
    )  # fmt: skip

    for path in ("/?tab=1", f"/datasets/{job.id}", "/models/images/classification/new"):
        empty.login("ana")
        tree = read(empty.client.get(path).text)
        assert nasty in tree.text.replace("\n", " ") or nasty in [each.text for each in tree.walk()], path
        assert not tree.find("img", src="x")


def test_a_page_of_a_job_names_the_next_step_to_who_may_not_change_it(world: World) -> None:
    world.site.login("fred")

    tree = read(world.site.client.get(f"/models/{world.ids['done']}").text)

    button = next(each for each in tree.find("button") if each.text == "Delete Job")
    assert button.attributes["title"] == "The job belongs to ana."
    assert "disabled" in button.attributes
    world.site.login("ana")
