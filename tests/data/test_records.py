from __future__ import annotations

import threading
from pathlib import Path

import lmdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digits.caffeproto import caffe_pb2
from digits.core.errors import DataError
from digits.data.records import Datum, RecordFile, RecordWriter, key, read_datum, write_datum

DATA = st.builds(
    Datum,
    channels=st.integers(0, 2**31 - 1),
    height=st.integers(0, 2**31 - 1),
    width=st.integers(0, 2**31 - 1),
    data=st.binary(max_size=300),
    label=st.integers(0, 2**31 - 1),
    encoded=st.booleans(),
)


@given(datum=DATA)
def test_a_datum_is_what_protobuf_reads_and_writes(datum: Datum) -> None:
    ours = write_datum(datum)
    theirs = caffe_pb2.Datum.FromString(ours)

    assert (theirs.channels, theirs.height, theirs.width) == (datum.channels, datum.height, datum.width)
    assert (theirs.data, theirs.label, theirs.encoded) == (datum.data, datum.label, datum.encoded)
    assert read_datum(ours) == read_datum(theirs.SerializeToString()) == datum


def test_fields_that_others_write_are_passed_over() -> None:
    theirs = caffe_pb2.Datum(channels=1, height=2, width=3, label=-5, float_data=[1.0, 2.0], encoded=False)

    datum = read_datum(theirs.SerializeToString())

    assert (datum.channels, datum.height, datum.width, datum.label) == (1, 2, 3, -5)


@given(rubbish=st.binary(min_size=1, max_size=60))
def test_rubbish_is_a_datum_or_refused(rubbish: bytes) -> None:
    try:
        read_datum(rubbish)
    except DataError as error:
        assert error.rule == "RECORD_BROKEN"  # noqa: PT017 - either end is right


def test_the_key_is_digits_form() -> None:
    assert key(0, 7) == b"00000000_7"
    assert key(12_345_678, 999) == b"12345678_999"


def test_a_plain_lmdb_reads_what_was_written_though_the_map_had_to_grow(tmp_path: Path) -> None:
    records = {key(index, index % 3): bytes([index % 251]) * (index * 7 % 5000) for index in range(700)}

    writer = RecordWriter(tmp_path / "db", batch=64, map_bytes=16 * 4096)
    for each, record in records.items():
        writer.put(each, record)
    writer.close()

    with lmdb.open(str(tmp_path / "db"), readonly=True, lock=False) as env, env.begin() as transaction:
        assert dict(transaction.cursor()) == records
    assert [path.name for path in (tmp_path / "db").iterdir()] == ["data.mdb"]


def test_two_readers_in_many_threads_share_a_file_and_the_last_one_closes_it(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path / "db")
    for index in range(50):
        writer.put(key(index, 0), b"%d" % index)
    writer.close()
    seen = []

    def work() -> None:
        for index in range(50):
            with RecordFile(tmp_path / "db") as records:
                seen.append(records.get(key(index, 0)) == b"%d" % index)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(seen) == 400
    assert all(seen)
    with lmdb.open(str(tmp_path / "db"), readonly=True, lock=False):
        pass  # LMDB would refuse, if one of ours were still open


def test_records_are_given_as_views_in_the_order_asked_for(tmp_path: Path) -> None:
    writer = RecordWriter(tmp_path / "db")
    for index in range(5):
        writer.put(key(index, 0), b"%d" % index)
    writer.close()

    with RecordFile(tmp_path / "db") as records:
        with records.views([key(3, 0), key(1, 0)]) as views:
            assert [bytes(view) for view in views] == [b"3", b"1"]
        assert list(records.keys()) == [key(index, 0) for index in range(5)]
        assert len(records) == 5
        with pytest.raises(DataError, match="00000009_0"), records.views([key(9, 0)]) as views:
            next(views)


def test_a_folder_without_a_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no database"):
        RecordFile(tmp_path)
