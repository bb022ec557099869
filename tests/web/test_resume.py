"""A training that goes on: the route with its words, and what its page says before and after."""

from __future__ import annotations

from pathlib import Path

import pytest

from digits.core.events import Failed, Progress, Resumed, Snapshot
from digits.core.jobfolder import SNAPSHOT_FACTS, SNAPSHOT_STATE
from digits.core.states import JobState
from digits.store import Job
from digits.store.ledger import Ledger
from tests.store.jobs import move, say
from tests.web.conftest import World, draw_pictures, model_of, submit_dataset
from tests.web.markup import read
from tests.web.serving import Serving

JSON = {"Accept": "application/json"}


@pytest.fixture
def failed(empty: Serving, tmp_path: Path) -> Job:
    """A training of fred's, who is logged in, that failed after its third epoch."""
    empty.login("fred")
    dataset = submit_dataset(empty.store, draw_pictures(tmp_path / "pictures", classes=2, each=2))
    job = model_of(empty.store, dataset)
    for epoch in (2, 3):
        place = job.folder.snapshots / f"epoch_{epoch}"
        place.mkdir(parents=True)
        for name in (SNAPSHOT_FACTS, SNAPSHOT_STATE):
            (place / name).write_text("{}")
        say(job, Snapshot(epoch=epoch, step=10 * epoch, file=f"snapshots/epoch_{epoch}", bytes=4))
    say(job, Progress(task="train", done=3.2, total=30, unit="epochs"), Failed(message="no"))
    move(empty.store, job, JobState.RUNNING)
    move(empty.store, job, JobState.ERROR, error={"message": "no", "where": "", "hint": "", "trace": ""})
    return empty.store.job(job.id)


@pytest.mark.parametrize("ending", ["", ".json"])
def test_a_training_goes_on_by_a_post_to_a_new_end(empty: Serving, failed: Job, ending: str) -> None:
    answer = empty.client.post(f"/models/{failed.id}/resume{ending}", data={"train_epochs": "40"})

    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in ("id", "status")} == {"id": failed.id, "status": "Waiting"}
    job = empty.store.job(failed.id)
    assert (job.state, job.spec["train_epochs"]) == (JobState.WAITING, 40)
    assert [line["by"] for line in job.folder.journal() if line["what"] == "resume"] == ["fred"]


def test_one_on_its_way_is_refused_in_words(empty: Serving, failed: Job) -> None:
    empty.client.post(f"/models/{failed.id}/resume")

    answer = empty.client.post(f"/models/{failed.id}/resume", headers=JSON)

    assert answer.status_code == 403
    assert answer.json()["error"]["description"] == "Job not resumed: it is Waiting already."


@pytest.mark.parametrize("epochs", ["0", "-1", "many", "1e3", "1000001"])
def test_an_end_that_is_no_number_of_epochs_is_refused(empty: Serving, failed: Job, epochs: str) -> None:
    answer = empty.client.post(f"/models/{failed.id}/resume", data={"train_epochs": epochs}, headers=JSON)

    assert answer.status_code == 400
    assert "train_epochs" in answer.json()["error"]["description"]
    assert empty.store.job(failed.id).state is JobState.ERROR


def test_only_its_owner_resumes_a_training_or_deletes_its_snapshots(empty: Serving, failed: Job) -> None:
    empty.login("zoe")

    assert empty.client.post(f"/models/{failed.id}/resume").status_code == 403
    assert empty.client.delete(f"/models/{failed.id}/snapshots/3").status_code == 403

    assert len(empty.store.snapshots(failed.id)) == 2


def test_a_snapshot_is_deleted(empty: Serving, failed: Job) -> None:
    assert empty.client.delete(f"/models/{failed.id}/snapshots/2").text == "Snapshot deleted."

    assert empty.json(f"/models/{failed.id}.json")["snapshots"] == [3]
    assert empty.client.delete(f"/models/{failed.id}/snapshots/2", headers=JSON).status_code == 404
    assert empty.client.delete(f"/models/{failed.id}/snapshots/nan", headers=JSON).status_code == 400


def test_the_page_offers_to_resume_and_says_afterwards_where_it_went_on(empty: Serving, failed: Job) -> None:
    page = read(empty.client.get(f"/models/{failed.id}").text)
    for place in ("job-head", "mend"):
        (button,) = [each for each in page.one(id=place).find("button") if each.text == "Resume"]
        assert button.attributes["data-url"] == f"/models/{failed.id}/resume"
        assert "goes on from epoch 3" in button.attributes["data-text"]

    empty.client.post(button.attributes["data-url"])
    with empty.store.change(failed.id) as index:
        index.move(JobState.RUNNING)
    say(failed, Resumed(step=34, attempt=2, epoch=3.4))
    Ledger(empty.store).index_events([failed.id])

    page = read(empty.client.get(f"/models/{failed.id}").text)
    assert "Resumed from epoch 3.4 (attempt 2)" in page.one(id="status").text
    assert not [each for each in page.one(id="job-head").find("button") if each.text == "Resume"]


def test_curves_of_another_attempt_are_not_the_ones_a_browser_has(empty: Serving, failed: Job) -> None:
    tag = empty.client.get(f"/models/{failed.id}/metrics").headers["ETag"]
    assert empty.client.get(f"/models/{failed.id}/metrics", headers={"If-None-Match": tag}).status_code == 304

    empty.client.post(f"/models/{failed.id}/resume")

    assert empty.client.get(f"/models/{failed.id}/metrics", headers={"If-None-Match": tag}).status_code == 200


def test_a_finished_training_can_be_trained_further(world: World) -> None:
    page = read(world.site.client.get(f"/models/{world.ids['done']}").text)

    (button,) = [each for each in page.one(id="job-head").find("button") if each.text == "Train further"]

    assert button.attributes["data-epochs"] == "20"
    assert "stretched" in button.attributes["data-text"]
