"""What feeds data layers: real Caffe's batches from the same database, and the other sources by hand."""

from __future__ import annotations

from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest

from digits.caffe.definitions import Definition
from digits.caffe.paths import Folders
from digits.caffe.sources.feed import Feed
from digits.caffe.sources.hdf5 import read_arrays
from digits.caffe.sources.registry import sources
from digits.caffeproto import caffe_pb2
from digits.caffeproto.text import parse_net
from digits.core.errors import DataError, DigitsError, NetworkError
from digits.data.records import Datum, RecordWriter, key, write_datum
from digits.networks.layers.registry import Phase
from tests.caffe.oracle import arrays
from tests.shared import needs_shared, shared

TRANSFORMS = {
    "plain": "",
    "scale": "scale: 0.0125",
    "meanfile": 'mean_file: "mean.binaryproto"',
    "meanvalue": "mean_value: 104 mean_value: 117 mean_value: 123",
    "meanvalue1": "mean_value: 100",
    "crop": "crop_size: 5",
    "crop_mean_scale": 'crop_size: 6 mean_file: "mean.binaryproto" scale: 0.5',
}


def feed(layer: str, folder: Path, phase: Phase = "TEST", seed: int = 0) -> Feed:
    message = parse_net(f"layer {{ name: 'd' top: 'data' top: 'label' {layer} }}", where="net.prototxt").message
    return Feed(Definition(message, "net.prototxt", Folders((folder,))), phase, seed=seed)


def database(folder: Path, pictures: np.ndarray, labels: list[int]) -> Path:
    writer = RecordWriter(folder)
    for index, (picture, label) in enumerate(zip(pictures, labels, strict=True)):
        channels, height, width = picture.shape
        writer.put(key(index, label), write_datum(Datum(channels, height, width, picture.tobytes(), label, False)))
    writer.close()
    return folder


def records(source: str, batch: int, transform: str = "") -> str:
    return f"type: 'Data' data_param {{ source: '{source}' backend: LMDB batch_size: {batch} }} transform_param {{ {transform} }}"


@needs_shared
@pytest.mark.parametrize("name", TRANSFORMS)
@pytest.mark.parametrize("phase", ["TRAIN", "TEST"])
def test_batches_of_a_database_are_those_of_real_caffe(phase: Phase, name: str) -> None:
    folder = shared("oracle", "data_layer")
    expected = arrays(folder / "outputs.npz")
    if f"{phase}:{name}:data" not in expected:
        pytest.skip("real Caffe drew its crops")

    source = feed(records("db", 4, TRANSFORMS[name]), folder, phase)
    shapes = source.shapes
    batches = [source.next() for _ in range(4)]
    source.close()

    assert shapes["data"] == expected[f"{phase}:{name}:data"].shape[1:]
    np.testing.assert_allclose(
        np.stack([batch["data"].numpy() for batch in batches]), expected[f"{phase}:{name}:data"], rtol=1e-6, atol=1e-5
    )
    assert np.array_equal(np.stack([batch["label"].numpy() for batch in batches]), expected[f"{phase}:{name}:label"])


def test_crops_are_cut_anywhere_in_training_and_the_mean_is_cut_with_them(tmp_path: Path) -> None:
    ramp = np.arange(100, dtype=np.uint8).reshape(1, 10, 10)
    database(tmp_path / "db", np.stack([ramp] * 4), [0, 1, 2, 3])
    mean = caffe_pb2.BlobProto(num=1, channels=1, height=10, width=10, data=ramp.ravel().tolist())
    (tmp_path / "mean").write_bytes(mean.SerializeToString())

    plain = feed(records("db", 800, "crop_size: 4"), tmp_path, "TRAIN").next()["data"].numpy()
    less = feed(records("db", 800, "crop_size: 4 mean_file: 'mean'"), tmp_path, "TRAIN").next()["data"].numpy()

    assert len({int(crop[0, 0, 0]) for crop in plain}) == 49  # all 7 x 7 places
    assert np.all(np.diff(plain, axis=3) == 1)
    assert not less.any()


def test_mirrors_are_drawn_in_tests_too(tmp_path: Path) -> None:
    database(tmp_path / "db", np.arange(12, dtype=np.uint8).reshape(1, 1, 3, 4), [0])

    batch = feed(records("db", 100, "mirror: true"), tmp_path, "TEST").next()["data"].numpy()

    steps = np.diff(batch, axis=3)
    mirrored = [bool(np.all(each == -1)) for each in steps]
    assert 30 < sum(mirrored) < 70
    assert all(np.all(np.abs(each) == 1) for each in steps)


def test_encoded_records_are_decoded_to_blue_green_red(tmp_path: Path) -> None:
    picture = np.zeros((8, 6, 3), np.uint8)
    picture[..., 0] = 200  # blue, for OpenCV
    data = cv2.imencode(".png", picture)[1].tobytes()
    writer = RecordWriter(tmp_path / "db")
    writer.put(b"0", write_datum(Datum(3, 8, 6, data, 7, True)))
    writer.close()

    source = feed(records("db", 2), tmp_path)
    batch, again = source.next(), source.next()
    source.close()

    assert batch["data"].shape == (2, 3, 8, 6)
    assert batch["data"][0, :, 0, 0].tolist() == [200, 0, 0]
    assert again["label"].tolist() == [7, 7]


def test_records_of_floats_are_read(tmp_path: Path) -> None:
    datum = caffe_pb2.Datum(channels=1, height=1, width=3, label=2, float_data=[0.5, -1.0, 2.0])
    writer = RecordWriter(tmp_path / "db")
    writer.put(b"0", datum.SerializeToString())
    writer.close()

    assert feed(records("db", 1), tmp_path).next()["data"].tolist() == [[[[0.5, -1.0, 2.0]]]]


@pytest.mark.parametrize(
    ("layer", "words"),
    [
        (records("absent", 4), r"net.prototxt:1: There is no database 'absent'\. Looked in"),
        (records("db", 0), r"batch_size must be given"),
        (records("db", 2, "crop_size: 9"), r"crop of 9 is larger than the pictures of 4 x 3"),
        (records("db", 2, "mean_value: 1 mean_value: 2"), r"The mean is 2 x 1 x 1, and the pictures are 1 x 3 x 4"),
        (records("db", 2, "mean_value: 1 mean_file: 'm'"), r"cannot both be given"),
        (records("leveldb", 2), r"is no LMDB\. LevelDB is not read"),
        (records("mixed", 2), r"One batch has pictures of 1 x 3 x 4 and of 1 x 4 x 3"),
        ("type: 'AnnotatedData'", r"nothing here reads the data of a AnnotatedData layer\. Known: Data, HDF5Data"),
    ],
)
def test_what_cannot_be_fed_is_refused_in_words(layer: str, words: str, tmp_path: Path) -> None:
    database(tmp_path / "db", np.zeros((1, 1, 3, 4), np.uint8), [0])
    (tmp_path / "leveldb").mkdir()
    writer = RecordWriter(tmp_path / "mixed")
    for index, (height, width) in enumerate([(3, 4), (4, 3)]):
        writer.put(key(index, 0), write_datum(Datum(1, height, width, bytes(12), 0, False)))
    writer.close()

    with pytest.raises(DigitsError, match=words):
        feed(layer, tmp_path).next()


def hdf5(folder: Path, **options: object) -> str:
    for number, count in enumerate((3, 2)):
        with h5py.File(folder / f"{number}.h5", "w") as file:
            file["data"] = np.arange(count * 2).reshape(count, 2) + 100 * number
            file["label"] = np.arange(count, dtype=np.float64) + 10 * number
    (folder / "list.txt").write_text("0.h5\n1.h5\n\n")
    settings = " ".join(f"{name}: {value}" for name, value in options.items())
    return f"type: 'HDF5Data' hdf5_data_param {{ source: 'list.txt' {settings} }}"


def test_rows_of_hdf5_files_come_in_order_across_files_and_round_again(tmp_path: Path) -> None:
    source = feed(hdf5(tmp_path, batch_size=4), tmp_path)

    batches = [source.next() for _ in range(3)]

    assert source.shapes == {"data": (4, 2), "label": (4,)}
    assert [batch["label"].tolist() for batch in batches] == [[0, 1, 2, 10], [11, 0, 1, 2], [10, 11, 0, 1]]
    assert batches[0]["data"].tolist()[3] == [100, 101]


def test_shuffled_rows_keep_their_labels_and_are_all_there(tmp_path: Path) -> None:
    batch = feed(hdf5(tmp_path, batch_size=5, shuffle="true"), tmp_path).next()

    labels = batch["label"].tolist()
    assert sorted(labels) == [0, 1, 2, 10, 11]
    assert [row[0] for row in batch["data"].tolist()] == [
        2 * label if label < 10 else 100 + 2 * (label - 10) for label in labels
    ]


def test_an_hdf5_file_without_a_top_s_dataset_is_refused(tmp_path: Path) -> None:
    layer = hdf5(tmp_path, batch_size=1)
    with h5py.File(tmp_path / "0.h5", "a") as file:
        del file["label"]

    with pytest.raises(DataError, match=r"no dataset 'label' of numbers\. Tops are named as datasets"):
        feed(layer, tmp_path)


def images(folder: Path, lines: str, **options: object) -> str:
    for name, shape, value in (("a b.png", (8, 6), 30), ("c.png", (4, 4), 90)):
        cv2.imwrite(str(folder / name), np.full((*shape, 3), (value, 0, 200), np.uint8))
    (folder / "list.txt").write_text(lines)
    settings = " ".join(f"{name}: {value}" for name, value in options.items())
    return f"type: 'ImageData' image_data_param {{ source: 'list.txt' {settings} }}"


def test_pictures_of_a_list_are_resized_and_come_in_order_with_their_labels(tmp_path: Path) -> None:
    layer = images(tmp_path, "a b.png 5\nc.png 3\n", batch_size=3, new_height=5, new_width=7)
    source = feed(layer, tmp_path)
    shapes, batch = source.shapes, source.next()
    source.close()

    assert shapes == {"data": (3, 3, 5, 7), "label": (3,)}
    assert batch["label"].tolist() == [5, 3, 5]
    assert batch["data"][:, :, 0, 0].tolist() == [[30, 0, 200], [90, 0, 200], [30, 0, 200]]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("c.png 1\nd.png\n", r"list.txt:2: 'd.png' is no path and label"),
        ("", "names no picture"),
        ("a b.png 1\nc.png 2\n", r"list.txt:2: The pictures of a batch differ in size\. Give new_height"),
        ("absent.png 1\n", r"list.txt:1: .*absent.png cannot be read: No such file"),
        ("list.txt 1\n", r"list.txt:1: .*list.txt"),
    ],
)
def test_a_bad_line_of_a_list_of_pictures_is_named(lines: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=words):
        feed(images(tmp_path, lines, batch_size=2), tmp_path).next()


def test_the_same_seed_feeds_the_same_batches(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    database(tmp_path / "db", draw.integers(0, 256, (5, 1, 9, 9), np.uint8), list(range(5)))
    layer = records("db", 8, "crop_size: 3 mirror: true")

    one, same, other = (feed(layer, tmp_path, "TRAIN", seed).next()["data"] for seed in (1, 1, 2))

    assert one.equal(same)
    assert not one.equal(other)


def test_every_source_is_of_a_layer_type_that_is_known() -> None:
    from digits.networks.layers.registry import converters

    assert sources().keys() <= converters().keys()
    with pytest.raises(NetworkError, match="batch_size"):
        feed("type: 'ImageData' image_data_param { source: 'x' batch_size: 0 }", Path())


def test_nvcaffe_s_shuffle_draws_an_order_for_each_pass_over_the_records(tmp_path: Path) -> None:
    database(tmp_path / "db", np.zeros((12, 1, 2, 2), np.uint8), list(range(12)))
    layer = "type: 'Data' data_param { source: 'db' backend: LMDB batch_size: 12 shuffle: true }"

    source = feed(layer, tmp_path, "TRAIN")
    one, other = (source.next()["label"].tolist() for _ in range(2))

    assert sorted(one) == sorted(other) == list(range(12))
    assert one != other
    assert one != list(range(12))


@pytest.mark.parametrize(
    ("data", "transform", "channels"),
    [
        ("", "", 1),
        ("force_encoded_color: true", "", 3),
        ("", "force_color: true", 3),
        ("", "force_gray: true", 1),
    ],
)
def test_encoded_pictures_may_be_forced_to_colour_or_grey(
    data: str, transform: str, channels: int, tmp_path: Path
) -> None:
    writer = RecordWriter(tmp_path / "db")
    encoded = cv2.imencode(".png", np.full((4, 4), 90, np.uint8))[1].tobytes()
    writer.put(b"0", write_datum(Datum(1, 4, 4, encoded, 7, True)))
    writer.close()
    layer = f"type: 'Data' data_param {{ source: 'db' batch_size: 2 {data} }} transform_param {{ {transform} }}"

    source = feed(layer, tmp_path)
    batch = source.next()["data"]
    source.close()

    assert batch.shape == (2, channels, 4, 4)
    assert bool((batch == 90).all())


def test_up_to_rand_skip_records_are_passed_over_at_first(tmp_path: Path) -> None:
    database(tmp_path / "db", np.zeros((9, 1, 2, 2), np.uint8), list(range(9)))
    layer = "type: 'Data' data_param { source: 'db' batch_size: 1 rand_skip: 3 }"

    first = {int(feed(layer, tmp_path, seed=seed).next()["label"]) for seed in range(40)}

    assert first == {0, 1, 2, 3}


def many_images(folder: Path, settings: str) -> list[float]:
    """Labels of a pass over a list of six pictures below ``pictures``."""
    (folder / "pictures").mkdir(exist_ok=True)
    for index in range(6):
        cv2.imwrite(str(folder / "pictures" / f"{index}.png"), np.full((4, 4, 3), (40, 0, 200), np.uint8))
    (folder / "list.txt").write_text("".join(f"{index}.png {index}\n" for index in range(6)))
    root = f"root_folder: '{folder}/pictures/'"
    source = feed(
        f"type: 'ImageData' image_data_param {{ source: 'list.txt' {root} batch_size: 6 {settings} }}", folder, seed=5
    )
    made = source.next()
    source.close()
    assert made["data"].shape == (6, 1 if "is_color" in settings else 3, 4, 4)
    if "is_color" in settings:
        assert made["data"][0, 0, 0, 0] == round(0.299 * 200 + 0.114 * 40)
    labels: list[float] = made["label"].tolist()
    return labels


def test_a_list_of_pictures_is_shuffled_skipped_into_and_read_in_grey_where_it_says_so(tmp_path: Path) -> None:
    plain = many_images(tmp_path, "")
    shuffled, skipped = many_images(tmp_path, "shuffle: true"), many_images(tmp_path, "rand_skip: 5")

    assert plain == many_images(tmp_path, "is_color: false") == [0, 1, 2, 3, 4, 5]
    assert sorted(shuffled) == plain != shuffled
    assert skipped != plain
    assert skipped == [(skipped[0] + step) % 6 for step in range(6)]


def test_the_size_of_a_batch_follows_its_first_record(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path / "db")
    for index, height in enumerate((3, 3, 5, 5)):
        writer.put(key(index, 0), write_datum(Datum(1, height, 2, bytes(2 * height), index, False)))
    writer.close()
    source = feed(records("db", 2), tmp_path)

    shapes = [(source.shapes["data"], tuple(source.next()["data"].shape)) for _ in range(3)]

    assert shapes == [((2, 1, height, 2),) * 2 for height in (3, 5, 3)]


def test_an_array_that_claims_more_than_its_file_holds_is_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "hollow.h5", "w") as file:
        file.create_dataset("data", shape=(100_000, 10_000), dtype="f4", chunks=(100, 100))  # nothing is ever written

    with pytest.raises(DataError, match="too large"):
        read_arrays(tmp_path / "hollow.h5", ("data",))
