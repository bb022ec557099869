"""What to try next: rules over plain figures, worked by hand, and their links followed to the form."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from digits.web.advice import MOST, Advice, Training, advise, all_well
from digits.web.advicefacts import Boxes
from digits.web.diagnosis import LOWER_RATE, History
from tests.web.conftest import World
from tests.web.markup import read

FALLING = [2.3, 1.2, 0.8, 0.62, 0.6, 0.59, 0.588, 0.587, 0.5865]
GAP = [2.3, 1.0, 0.6, 0.7, 0.8, 0.9]
"""Best at the third."""
BY_HEART = [2.3 * 0.8**step + 0.02 for step in range(40)]
SPEC = {"learning_rate": 0.01, "lr": {"policy": "step"}, "train_epochs": 30}


def training(
    val: Sequence[float] = (), train: Sequence[float] = (), accuracy: Sequence[float] = (), *, spec: Mapping[str, Any] | None = None,
    labels: Sequence[str] = (), val_counts: Sequence[int] = (), error: str = "", **more: Any,
) -> Training:  # fmt: skip
    curves = {"loss/val": val, "loss/train": train, "accuracy/val": accuracy}
    history = History(curves, len(labels), labels=labels, val_counts=val_counts, error=error)
    return Training(history, spec=SPEC | dict(spec or {}), **more)


def only(found: list[Advice]) -> Advice:
    (each,) = found
    return each


def test_pictures_learned_by_heart_lead_from_augmentation_to_an_early_stop_to_more_pictures() -> None:
    epochs = range(6)
    first = only(advise(training(GAP, BY_HEART, epochs=epochs, picture=(64, 64, 3))))
    augmented = {"augmentation": {"flip": "fliplr"}}
    second = only(advise(training(GAP, BY_HEART, spec=augmented)))
    third = only(advise(training(GAP, BY_HEART, spec=augmented | {"early_stop": {"patience": 5}})))

    assert first.text.startswith(
        "The validation loss was best at epoch 2 with 0.6 and is 0.9 now, while the training loss fell to 0.02"
    )
    assert first.change == {"aug_rot": "10", "aug_scale": "0.07", "aug_flip": "fliplr"}
    assert second.change == {"early_stop_patience": "5"}
    assert third.page == "dataset"
    grey = only(advise(training(GAP, BY_HEART, picture=(28, 28, 1))))
    assert "aug_flip" not in grey.change, "digits and letters are others in a mirror"


def test_weights_that_know_many_pictures_are_offered_to_a_network_that_learned_few_by_heart() -> None:
    found = advise(training(GAP, BY_HEART, published="ImageNet, 1,000 classes", train_counts=(85, 85)))

    assert [each.name for each in found] == ["overfitting", "pretrained"]
    assert found[1].change == {"standard_pretrained": "true"}
    assert "170 pictures of 2 classes" in found[1].text


@pytest.mark.parametrize(
    "error", [f"Network outputted NaN for 'loss' (iteration 3). {LOWER_RATE}.", "Network outputted NaN."]
)
def test_a_training_that_diverged_is_tried_with_a_tenth_of_the_rate(error: str) -> None:
    assert only(advise(training(error=error))).change == {"learning_rate": "0.001"}


def test_a_rate_that_moves_nothing_is_tried_ten_times_as_large() -> None:
    found = advise(training([1.6905, 1.6904, 1.6903], accuracy=[0.33] * 3, labels=("a", "b", "c")))

    assert only(found).change == {"learning_rate": "0.1"}


def test_a_validation_loss_that_swings_wants_a_lower_rate() -> None:
    found = only(advise(training([1.0, 0.4, 1.0, 0.4, 1.0, 0.4])))

    assert found.change == {"learning_rate": "0.002"}
    assert "by 0.6 about 0.7" in found.text


def test_a_slow_steady_fall_wants_a_higher_rate_and_a_fast_one_does_not() -> None:
    slow = advise(training([2.30, 2.2, 2.1], [2.3 - 0.01 * step for step in range(40)]))
    fast = advise(training([2.30, 1.2, 0.6], [2.3 * 0.9**step for step in range(40)]))

    assert only(slow).change == {"learning_rate": "0.03"}
    assert fast == []


def test_a_level_wants_a_rate_that_steps_down_or_a_network_that_can_learn_more() -> None:
    still = [*FALLING, 0.5864, 0.5866, 0.5865]
    fixed = only(advise(training(still, spec={"lr": {"policy": "fixed"}})))
    poor = only(advise(training(still, [2.0, *[0.6] * 49], [0.5] * 12)))

    assert fixed.change["lr_policy"] == "step"
    assert "for 4 validations and is 0.587" in fixed.text
    assert poor.name == "underfitting"
    assert poor.change == {"learning_rate": "0.03"}
    assert "the accuracy is 50 %" in poor.text


def test_a_training_that_was_still_improving_when_it_was_done_gets_half_as_many_epochs_more() -> None:
    falling = [2.3, 1.5, 1.0, 0.7, 0.5]

    found = only(advise(training(falling, is_done=True)))

    assert (found.epochs, found.action) == (45, "Train 15 more epochs")
    assert "from 0.7 to 0.5 over the last 1 of 5 validations" in found.text
    assert advise(training(falling)) == [], "it is still running"
    assert advise(training(FALLING, is_done=True)) == [], "that was the end of it"


def test_unequal_classes_are_told_by_name_unless_they_are_balanced_or_no_matter() -> None:
    known: dict[str, Any] = {"labels": ("cat", "owl"), "train_counts": (400, 50)}
    fine = [1.0, 0.6, 0.5]

    found = only(advise(training(fine, accuracy=[0.5, 0.7, 0.8], **known)))

    assert found.change == {"class_balance": "weights"}
    assert found.text.startswith("cat has 8.0 times the training pictures of owl (400 to 50)")
    assert advise(training(fine, accuracy=[0.5, 0.7, 0.8], spec={"class_balance": "sampling"}, **known)) == []
    assert advise(training(fine, accuracy=[0.5, 0.7, 0.99], **known)) == []


def test_a_validation_set_that_cannot_tell_says_by_how_much() -> None:
    # sqrt(0.8 * 0.2 / 186) = 0.0293
    few = only(advise(training([1.0, 0.6, 0.5], accuracy=[0.5, 0.7, 0.8], labels=("a", "b"), val_counts=(93, 93))))
    many = advise(training([1.0, 0.6, 0.5], accuracy=[0.5, 0.7, 0.8], labels=("a", "b"), val_counts=(5000, 5000)))

    assert "186 pictures" in few.text
    assert "2.9 points" in few.text
    assert few.page == "dataset"
    assert many == []


def test_what_a_check_of_the_dataset_found_is_led_to() -> None:
    found = advise(
        training([1.0, 0.6, 0.5], health={"leaks": 3, "conflicts": 0, "suspects": 4}, train_counts=(100, 100))
    )
    few = advise(training([1.0, 0.6, 0.5], health={"suspects": 1}, train_counts=(100, 100)))

    assert [each.page for each in found] == ["leaks", "suspects"]
    assert "labels of 4 of 200 pictures" in found[1].text
    assert few == []


def test_a_crop_that_throws_most_of_the_picture_away_is_enlarged() -> None:
    found = only(advise(training([1.0, 0.6, 0.5], spec={"crop_size": 64}, picture=(128, 128, 3))))

    assert "25 % of each picture" in found.text
    assert found.change == {"crop_size": "112"}
    assert advise(training([1.0, 0.6, 0.5], spec={"crop_size": 112}, picture=(128, 128, 3))) == []


def test_nothing_is_said_too_early_or_without_reason_and_never_more_than_four() -> None:
    early, well = training([2.3, 1.0]), training([0.5, 0.06, 0.03], [0.02] * 20 + [0.001] * 20, [0.9, 0.98, 0.991])
    known: dict[str, Any] = {"labels": ("cat", "owl"), "train_counts": (400, 50), "val_counts": (60, 40)}
    everything = training(
        GAP, BY_HEART, [0.5, 0.6, 0.7], health={"leaks": 1, "conflicts": 1}, published="ImageNet", spec={"crop_size": 20}, picture=(64, 64, 3),
        **known,
    )  # fmt: skip

    assert (advise(early), all_well(early)) == ([], "")
    assert advise(well) == []
    assert all_well(well) == "Nothing stands out: accuracy 99.1 %, validation loss 0.03, training loss 0.001."
    assert len(advise(everything)) == MOST
    assert advise(training([math.nan] * 5, [math.inf] * 30)) == []


def test_the_page_and_the_json_lead_to_a_form_with_the_change_made(world: World) -> None:
    world.site.login("ana")
    page = f"/models/{world.ids['nan']}"

    advice = world.site.json(f"{page}.json")["advice"][0]
    links = [each.attributes["href"] for each in read(world.site.client.get(page).text).one(id="advice").find("a")]
    form = read(world.site.client.get(advice["href"]).text)

    assert advice["href"] in links
    assert f"clone={world.ids['nan']}" in advice["href"]
    assert form.one("input", name="learning_rate").attributes["value"] == advice["change"]["learning_rate"]
    assert world.site.client.get(page).status_code == 200


def test_one_class_everywhere_leads_to_a_weighted_loss_and_then_to_another_rate() -> None:
    curves = {"pixel_accuracy/val": [0.6, 0.6], "mean_iou/val": [0.3, 0.3], "loss/val": [1.0, 0.99]}
    history = History(curves, labels=("Road", "Sky"), val_pixels=(60, 40))

    first = advise(Training(history, {"learning_rate": 0.001}, train_pixels=(900, 100)))
    then = advise(Training(history, {"learning_rate": 0.001, "class_balance": "weights"}))

    assert first[0].change == {"class_balance": "weights"}
    assert "It says Road everywhere. Road has 9 times the training pixels of Sky" in first[0].text
    assert then[0].change == {"learning_rate": "0.01"}


def detector(maps: Sequence[float], **more: Any) -> Training:
    boxes = Boxes(
        train=(900, 12),
        val=300,
        edges=(0, 8, 16, 32),
        sizes=more.pop("sizes", (0, 100, 812, 0)),
        cell_px=more.pop("cell", 4),
    )
    history = History({"map50/val": maps, "loss/val": [3.0, 2.5, 2.4]}, labels=("RBC", "WBC"))
    return Training(history, SPEC, boxes=boxes, picture=(240, 320, 3), **more)


def test_a_detector_that_finds_nothing_is_told_to_begin_with_weights_or_another_rate() -> None:
    first, *_ = advise(detector([0.0, 0.001, 0.0], published="ImageNet"))
    second, *_ = advise(detector([0.0, 0.0, 0.0]))

    assert first.change == {"standard_pretrained": "true"}
    assert "stayed at 0 for 3 validations: hardly one of the 300 validation boxes is found" in first.text
    assert second.change == {"learning_rate": "0.001"}
    assert "finds_nothing" not in [each.name for each in advise(detector([0.0, 0.0, 0.2]))]


def test_boxes_that_are_small_or_few_are_told_with_their_numbers() -> None:
    fine = advise(detector([0.1, 0.3, 0.5]))
    coarse = advise(detector([0.1, 0.3, 0.5], cell=16))

    assert [each.text for each in fine] == [
        "WBC (12): fewer than 50 of 912 training boxes are few to learn a class from."
    ]
    assert coarse[0].page == "dataset"
    assert coarse[0].text.startswith("912 of 912 training boxes are smaller than 32 px, 2 cells of the network's grid")
