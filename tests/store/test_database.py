from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event

from digits.core.errors import SetupError
from digits.core.settings import Settings
from digits.store import Store, migrations
from digits.store.schema import METADATA
from tests.store.jobs import dataset

OPEN = """
import sys, time
from pathlib import Path
from digits.core.settings import Settings
from digits.store import Store
while not Path(sys.argv[2]).exists(): time.sleep(0.001)
store = Store(Settings(root=Path(sys.argv[1])))
store.submit(kind="dataset", extension="x", title="T", name=sys.argv[3], worker="build", spec={})
"""

WRITE = """
import sys
from pathlib import Path
from digits.core.settings import Settings
from digits.store import Store
store = Store(Settings(root=Path(sys.argv[1])))
for number in range(20):
    notes = store.job(sys.argv[2]).notes
    with store.change(sys.argv[2]) as index:
        index.note("edit", notes=index.job["notes"] + sys.argv[3])
"""


def test_stores_that_open_an_empty_root_together_make_it_once(tmp_path: Path) -> None:
    root, go = tmp_path / "root", tmp_path / "go"
    command = [sys.executable, "-c", OPEN, str(root), str(go)]
    processes = [subprocess.Popen([*command, f"job {number}"]) for number in range(3)]
    go.touch()

    assert [process.wait(60) for process in processes] == [0] * 3
    store = Store(Settings(root=root))
    assert sorted(job.name for job in store.jobs()) == [f"job {number}" for number in range(3)]
    store.close()


def test_writers_in_several_processes_lose_nothing_of_each_other(store: Store) -> None:
    job = dataset(store)
    command = [sys.executable, "-c", WRITE, str(store.settings.root), job.id]

    processes = [subprocess.Popen([*command, letter]) for letter in "abc"]

    assert [process.wait(60) for process in processes] == [0] * 3
    notes = store.job(job.id).notes
    assert [notes.count(letter) for letter in "abc"] == [20, 20, 20]
    store.reindex()
    assert store.job(job.id).notes == notes


def test_the_steps_lead_to_the_tables_that_the_code_knows(store: Store) -> None:
    with store.database.read() as connection:
        context = MigrationContext.configure(connection)

        assert compare_metadata(context, METADATA) == []


def test_the_newest_file_of_the_steps_is_where_their_chain_ends() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrations.FOLDER))

    assert ScriptDirectory.from_config(config).get_heads() == [migrations.head()]


def test_the_database_waits_for_others_and_forces_what_it_acknowledges_to_the_disk(store: Store) -> None:
    with store.database.read() as connection:
        pragma = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout", "foreign_keys")
        }

    assert pragma == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 30_000, "foreign_keys": 1}


def test_a_database_of_a_newer_version_is_refused_with_words(store: Store, settings: Settings) -> None:
    store.close()
    with sqlite3.connect(settings.root / "digits.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'v9999_future'")
    connection.close()

    with pytest.raises(SetupError, match="written by a newer version"):
        Store(settings)


def test_a_root_that_cannot_be_written_is_refused_with_words(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(SetupError, match="cannot be opened") as caught:
        Store(Settings(root=tmp_path / "file" / "root"))

    assert caught.value.hint


def test_an_up_to_date_database_opens_without_loading_alembic(store: Store) -> None:
    code = (
        "import sys; from pathlib import Path; from digits.core.settings import Settings; from digits.store import Store;"
        "Store(Settings(root=Path(sys.argv[1]))); print(sorted({'alembic', 'torch', 'cv2'} & set(sys.modules)))"
    )

    answer = subprocess.run(
        [sys.executable, "-c", code, str(store.settings.root)], capture_output=True, text=True, check=True
    )

    assert answer.stdout.strip() == "[]"


def test_the_first_page_is_read_through_an_index_and_sorted_by_it(store: Store) -> None:
    asked: list[tuple[str, tuple[object, ...]]] = []

    @event.listens_for(store.database.engine, "before_cursor_execute")
    def _(_c: object, _cursor: object, statement: str, parameters: tuple[object, ...], *_more: object) -> None:
        asked.append((statement, parameters))

    store.jobs("model", limit=25)
    store.jobs(limit=25)

    statements = [(statement, values) for statement, values in asked if statement.startswith("SELECT")]
    assert len(statements) == 2
    with store.database.read() as connection:
        for statement, values in statements:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
            words = " ".join(str(row[3]) for row in rows)
            assert "USING INDEX jobs_by_" in words
            assert "TEMP B-TREE" not in words
