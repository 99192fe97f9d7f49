"""The embedded online store: the kit, and what a file can suffer."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing, suppress
from pathlib import Path

import pytest
import unmeasured

from mlforge.errors import Invalid, PluginFailed
from mlforge.plugin import damaged_entries
from mlforge.stores.sqlite import connections
from mlforge.stores.sqlite.connections import connect_to_write
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.stores.sqlite.store import MONTH
from mlforge.testing import DamagedOnlineStoreTests, OnlineStoreTests
from mlforge.testing.online.subject import DAY, assert_found, entry, tombstone
from mlforge.testing.refusals import refused


class TestSQLite(OnlineStoreTests, DamagedOnlineStoreTests):
    def config(self, folder):
        return SQLiteOnlineStore(folder / "not" / "yet" / "there?#%.db")

    def damage(self, folder, address, change):
        where = (address.feature, address.key)
        with closing(sqlite3.connect(self.config(folder).path)) as file, file:
            (data,) = file.execute("select data from entries where feature = ? and key = ?", where).fetchone()
            file.execute("update entries set data = ? where feature = ? and key = ?", (change(data), *where))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "online.db"


def test_reading_makes_no_file(path):
    with SQLiteOnlineStore(path).open() as store:
        assert store.read([entry(1).address]) == [None]
        assert store.read_note("spend") is None
        assert list(store.older("spend", 5)) == []
        store.ping()
    assert not path.exists()


def test_a_reader_that_was_first_sees_what_is_published_later(path):
    with SQLiteOnlineStore(path).open() as reader, SQLiteOnlineStore(path).open() as writer:
        assert reader.read([entry(1).address]) == [None]
        writer.write([entry(1, x=1)])
        assert_found(reader.read([entry(1).address]), [entry(1, x=1)])


def test_a_reader_does_not_wait_for_a_writer(path):
    with SQLiteOnlineStore(path, timeout=0.1).open() as store:
        store.write([entry(1, x=1)])
        with closing(sqlite3.connect(path)) as other, other:
            other.execute("begin immediate")
            assert_found(store.read([entry(1).address]), [entry(1, x=1)])


def test_a_writer_waits_its_turn_and_then_says_so(path):
    with SQLiteOnlineStore(path, timeout=0.1).open() as store:
        store.write([entry(1, x=1)])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("begin immediate")
        with refused(PluginFailed, path.name, "locked") as caught:
            store.write([entry(1, as_of=1, x=2)])
        assert "timeout" in caught.value.hint
        other.close()
        assert store.write([entry(1, as_of=1, x=2)]) == 1


def test_who_makes_the_file_waits_for_whoever_is_in_it(path):
    path.parent.mkdir(exist_ok=True)
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("begin immediate")  # of a new file, as another does who is about to make it
        leaving = threading.Timer(0.3, other.rollback)
        leaving.start()
        with SQLiteOnlineStore(path, timeout=30).open() as store:
            assert store.write([entry(1, x=1)]) == 1
        leaving.join()


def test_who_cannot_make_the_file_says_so_when_the_time_is_over(path):
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("begin immediate")
        begun = time.monotonic()
        with SQLiteOnlineStore(path, timeout=0.4).open() as store, refused(PluginFailed, path.name, "locked"):
            store.write([entry(1, x=1)])
        assert time.monotonic() - begun > 0.4


def test_who_takes_away_a_former_log_never_takes_that_of_another_who_makes_the_file(path, monkeypatch):
    kept = [entry(n, x=n) for n in (1, 2)]
    written, over, unlink = threading.Event(), threading.Event(), Path.unlink

    def publish_meanwhile():
        with SQLiteOnlineStore(path).open() as store:
            store.write(kept[:1])
            written.set()
            over.wait(10)

    other = threading.Thread(target=publish_meanwhile)

    def unlink_later(self, **how):
        if other.ident is None:
            other.start()
            written.wait(0.5)  # it has written by now, or waits for its turn
        unlink(self, **how)

    monkeypatch.setattr(Path, "unlink", unlink_later)
    with SQLiteOnlineStore(path).open() as store:
        store.write(kept[1:])
    assert written.wait(10)
    with SQLiteOnlineStore(path).open() as store:
        assert_found(store.read([e.address for e in kept]), kept)
    over.set()
    other.join(10)


def test_one_read_is_of_one_instant(path):
    here, there = entry(1, x=0), entry(2, x=0)
    stop = threading.Event()

    def publish():
        with SQLiteOnlineStore(path).open() as store:
            turn = 0
            while not stop.is_set():
                turn += 1
                store.write([entry(1, as_of=turn, x=turn), entry(2, as_of=turn, x=turn)])

    with SQLiteOnlineStore(path).open() as store:
        store.write([here, there])
        writer = threading.Thread(target=publish)
        writer.start()
        try:
            for _ in range(500):
                one, two = store.read([here.address, there.address])
                assert one.as_of == two.as_of
        finally:
            stop.set()
            writer.join()


def test_processes_read_while_one_writes(path):
    code = """
import sys
from mlforge.stores.sqlite import connections
from mlforge.stores.sqlite.connections import connect_to_write
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.stores.sqlite.store import MONTH
from mlforge.testing.online.racing import published, DAY
addresses, last = [e.address for e in published(0, 200)], -1
with SQLiteOnlineStore(sys.argv[1]).open() as store:
    while last < 5 * DAY:
        found = [e for e in store.read(addresses) if e]
        assert len({e.as_of for e in found}) <= 1, "torn"
        assert not found or found[0].as_of >= last, "older"
        last = found[0].as_of if found else last
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    readers = [
        subprocess.Popen([sys.executable, "-c", code, str(path)], env=environment, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    from mlforge.testing.online.racing import published

    with SQLiteOnlineStore(path).open() as store:
        for turn in range(6):
            store.write(published(turn, 200))
        outcomes = [r.communicate(timeout=60)[1] for r in readers]
    assert [r.returncode for r in readers] == [0, 0, 0], outcomes


def test_a_publisher_that_is_killed_leaves_what_it_had_committed(path):
    code = """
import os, sys
from mlforge.stores.sqlite import connections
from mlforge.stores.sqlite.connections import connect_to_write
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.stores.sqlite.store import MONTH
from mlforge.testing.online.racing import published
def entries():
    yield from published(1, 5000)
    yield from published(1, 6000)[5000:5200]
    os._exit(9)
with SQLiteOnlineStore(sys.argv[1]).open() as store:
    store.write(entries())
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=False).returncode == 9
    with SQLiteOnlineStore(path).open() as store:
        found = store.read([entry(n).address for n in range(6000)])
        assert [e is not None for e in found] == [True] * 5000 + [False] * 1000
        assert store.write([entry(5200, x=1)]) == 1


def test_tombstones_are_forgotten_after_a_month(path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([tombstone(1, as_of=0), tombstone(2, as_of=10 * DAY), entry(3, as_of=0, x=1)])
        store.write([tombstone(4, as_of=30 * DAY)])
        assert store.write([tombstone(5, as_of=31 * DAY)]) == 1
        assert store.write([entry(1, as_of=-1, x=1), entry(2, as_of=9 * DAY, x=1)]) == 1
        assert_found(store.read([entry(3).address]), [entry(3, as_of=0, x=1)])


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"\0" * 5000])
def test_a_file_that_is_no_database_is_left_alone(path, content):
    path.write_bytes(content)
    with SQLiteOnlineStore(path).open() as store:
        for verb in (lambda: store.read([entry(1).address]), lambda: store.write([entry(1, x=1)]), store.ping):
            with refused(PluginFailed, path.name):
                verb()
    assert path.read_bytes() == content


def test_another_programs_database_is_left_alone(path):
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("create table notes (x)")
    before = path.read_bytes()
    with SQLiteOnlineStore(path).open() as store, refused(PluginFailed, "another program", path.name):
        store.write([entry(1, x=1)])
    assert path.read_bytes() == before


def test_a_file_that_another_makes_while_it_is_opened_is_no_other_programs(path):
    def interrupt(statement):
        if "sqlite_master" in statement:
            with suppress(sqlite3.OperationalError):  # it waits for those who look
                connect_to_write(str(path), 0.05).close()

    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.set_trace_callback(interrupt)
        assert connections.layout_of(connection, str(path)) == 0
    connect_to_write(str(path), 0.05).close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        assert connections.layout_of(connection, str(path)) == connections.LAYOUT


def test_no_flipped_byte_of_the_file_is_another_value(path):
    kept = [entry(n, feature=feature, x=n, y=f"{feature} {n}") for n in range(3) for feature in ("spend", "spene")]
    with SQLiteOnlineStore(path).open() as store:
        store.write([*kept, tombstone(9)])
        store.swap_note("spend", None, b"noted")
    with closing(sqlite3.connect(path)) as file:
        file.execute("pragma journal_mode=delete")
        file.execute("vacuum")
    data = path.read_bytes()
    used = [place for place in range(len(data)) if any(data[max(0, place - 8) : place + 8])]
    missing = 0
    for number, place in enumerate(used):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1 << number % 8]) + data[place + 1 :])
        with SQLiteOnlineStore(path).open() as store:
            try:
                found = store.read([one.address for one in kept])
            except PluginFailed:
                continue
        for got, one in zip(found, kept, strict=True):
            if got is not None:
                assert_found([got], [one])
        missing += None in found
    assert missing > 300


def test_an_entry_whose_row_seems_newer_is_written_over_where_it_is_damaged(path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1), entry(2, as_of=5, x=2)])
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("update entries set as_of = as_of | (1 << 60)")
        assert store.write([entry(1, as_of=1, x=3), entry(2, as_of=4, x=4)]) == 1
        assert_found(store.read([entry(1).address]), [entry(1, as_of=1, x=3)])
        assert_found(store.read([entry(2).address]), [entry(2, as_of=5, x=2)])


@pytest.mark.parametrize("harm", ["as_of & 1", "as_of | (1 << 60)", "-1"])
def test_what_an_entry_says_of_its_time_decides_whatever_stands_beside_it(path, harm):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, as_of=10, x=1), entry(2, as_of=20, x=2), tombstone(3, as_of=20)])
        with closing(sqlite3.connect(path)) as file, file:
            file.execute(f"update entries set as_of = {harm}")
        assert list(store.older("spend", 20)) == [entry(1).key]
        assert store.write([entry(2, as_of=19, x=9), entry(3, as_of=19, x=9)]) == 0
        assert_found(store.read([entry(2).address, entry(3).address]), [entry(2, as_of=20, x=2), None])
        assert store.write([tombstone(2, as_of=10 + MONTH)]) == 1
        assert store.write([entry(3, as_of=19, x=9)]) == 0  # what is not a month old is not forgotten
        assert store.write([entry(1, as_of=11, x=3)]) == 1
        assert_found(store.read([entry(1).address]), [entry(1, as_of=11, x=3)])


def in_layout_1(path):
    """A file of an mlforge whose tombstones had no data."""
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("drop index tombstones")
        file.execute("create index tombstones on entries (feature, as_of) where data is null")
        file.execute("update entries set data = null where typeof(data) = 'text'")
        file.execute("pragma user_version=1")


def test_a_flipped_bit_of_a_tombstone_is_counted_and_written_over(path):
    gone = tombstone(1, as_of=DAY)
    with SQLiteOnlineStore(path).open() as store:
        store.write([gone])
        with closing(sqlite3.connect(path)) as file:
            (data,) = file.execute("select cast(data as blob) from entries").fetchone()
            for place in range(len(data)):
                bad = data[:place] + bytes([data[place] ^ 1 << place % 7]) + data[place + 1 :]
                with file:
                    file.execute("update entries set data = cast(? as text)", (bad,))
                before = damaged_entries().get("spend", 0)
                assert store.read([gone.address]) == [None]
                assert damaged_entries().get("spend", 0) == before + 1
            with file:
                file.execute("update entries set as_of = as_of | (1 << 60)")
        assert store.write([entry(1, as_of=0, x=1)]) == 1


def test_an_entry_that_lost_its_bytes_is_no_tombstone(path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1)])
        with closing(sqlite3.connect(path)) as file, file:
            file.execute("update entries set data = null")
        before = damaged_entries().get("spend", 0)
        assert store.read([entry(1).address]) == [None]
        assert damaged_entries().get("spend", 0) == before + 1


def test_tombstones_of_an_earlier_mlforge_are_read_and_sealed_by_the_next_publish(path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([tombstone(1, as_of=DAY), entry(2, x=2)])
    in_layout_1(path)
    before = damaged_entries().get("spend", 0)
    with SQLiteOnlineStore(path).open() as store:
        assert list(store.older("spend", 2 * DAY)) == [entry(2).key]
        assert_found(store.read([tombstone(1).address, entry(2).address]), [None, entry(2, x=2)])
        assert store.write([entry(1, as_of=0, x=1)]) == 0
        assert_found(store.read([tombstone(1).address, entry(2).address]), [None, entry(2, x=2)])
        assert list(store.older("spend", 2 * DAY)) == [entry(2).key]
    assert damaged_entries().get("spend", 0) == before
    with closing(sqlite3.connect(path)) as file:
        assert file.execute("select count(*) from entries where data is null").fetchone() == (0,)
        assert file.execute("pragma user_version").fetchone() == (2,)


def test_a_later_layout_is_refused(path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1)])
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("pragma user_version=3")
    with SQLiteOnlineStore(path).open() as store, refused(PluginFailed, "layout 3"):
        store.read([entry(1).address])


def test_a_folder_in_the_way_is_named(path):
    path.mkdir()
    with SQLiteOnlineStore(path).open() as store, refused(PluginFailed, path.name):
        store.write([entry(1, x=1)])


def test_a_file_where_a_folder_should_be_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    with SQLiteOnlineStore(tmp_path / "file" / "online.db").open() as store, refused(PluginFailed, "online.db"):
        store.write([entry(1, x=1)])


def test_a_full_disk_is_said(path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1)])
        vars(store)["_writer"].execute("pragma max_page_count=1")
        with refused(PluginFailed, "full") as caught:
            store.write([entry(n, x="x" * 1000) for n in range(100)])
        assert "disk" in caught.value.hint
        assert_found(store.read([entry(1).address]), [entry(1, x=1)])


@pytest.fixture
def image():
    """A folder that another user can reach, and only its owner can write to."""
    folder = Path(tempfile.mkdtemp())
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.mark.posix
def test_a_copy_in_a_folder_nobody_may_write_to_is_read(path, image):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1)])
    shutil.copy(path, image / "online.db")
    code = """
import os, sys
from mlforge.errors import PluginFailed
from mlforge.stores.sqlite.store import LiveSQLiteOnlineStore
from mlforge.stores.sqlite import connections
from mlforge.stores.sqlite.connections import connect_to_write
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.stores.sqlite.store import MONTH
from mlforge.testing.online.subject import entry, assert_found
if os.geteuid() == 0:
    os.setuid(65534)
with SQLiteOnlineStore(sys.argv[1]).open() as store:
    assert_found(store.read([entry(1).address]), [entry(1, x=1)])
    try:
        store.write([entry(1, as_of=1, x=2)])
    except PluginFailed as error:
        assert "permissions" in error.hint
    else:
        raise AssertionError("it was written")
"""
    (image / "online.db").chmod(0o444)
    image.chmod(0o555)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-B", "-c", code, str(image / "online.db")]
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


READ_ONLY = """
import os, sys, time
from mlforge.errors import PluginFailed
from mlforge.stores.sqlite import connections, files
from mlforge.stores.sqlite.store import LiveSQLiteOnlineStore
from mlforge.stores.sqlite.plugin import SQLiteOnlineStore
from mlforge.testing.online.subject import entry
if os.geteuid() == 0:
    os.setuid(65534)
store = SQLiteOnlineStore(sys.argv[1]).open()
"""


def read_only(image: Path, code: str) -> subprocess.Popen[str]:
    """A process that may read in a folder and not write, not even which of its lines ran."""
    environment = unmeasured.environment(PYTHONPATH=os.pathsep.join(sys.path))
    line = [sys.executable, "-B", "-c", READ_ONLY + code, str(image / "online.db")]
    return subprocess.Popen(line, env=environment, stdin=-1, stdout=-1, stderr=-1, text=True)


@pytest.mark.posix
def test_a_reader_that_may_not_write_reads_one_instant_while_another_publishes(image):
    """No writer knows of it, or waits for it: the file changes beneath what it reads."""
    many = 4000
    image.chmod(0o755)
    with SQLiteOnlineStore(image / "online.db").open() as store:
        store.write([entry(i, as_of=1, x=1, pad="a" * 1000) for i in range(many)])
    code = f"""
asked, slow = [entry(i).address for i in range({many})], []

class Slow:
    key = asked[{many} // 2].key

    @property
    def feature(self):  # asked for in the middle of a read
        if not slow:
            slow.append(1)
            print("reading", flush=True)
            sys.stdin.readline()
        return "spend"

asked[{many} // 2] = Slow()
print(sorted({{e and e.as_of for e in store.read(asked)}}, key=str))
"""
    image.chmod(0o555)
    with read_only(image, code) as reader:
        assert reader.stdout.readline() == "reading\n"
        image.chmod(0o755)
        with SQLiteOnlineStore(image / "online.db").open() as store:
            store.write([entry(i, as_of=2, x=2, pad="b" * (i % 3000)) for i in range(many)])
        image.chmod(0o555)
        said, failed = reader.communicate("\n", timeout=60)
    assert said in ("[1]\n", "[2]\n"), (said, failed)


@pytest.mark.posix
@pytest.mark.parametrize(("log", "says"), [(b"", "present"), (b"x" * 100, "copy both to such a place")])
def test_a_log_without_its_notes_is_read_past_only_where_nothing_stands_in_it(path, image, log, says):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1)])
    shutil.copy(path, image / "online.db")
    (image / "online.db-wal").write_bytes(log)
    image.chmod(0o555)
    code = """
try:
    print("present" if store.read([entry(1).address])[0] else "missing")
except PluginFailed as error:
    print(error.hint)
"""
    with read_only(image, code) as reader:
        said, failed = reader.communicate(timeout=60)
    assert says in said
    assert failed == ""


@pytest.mark.parametrize("bad", ["", " ", "redis://x", "a\0b", ":memory:", b"x"])
def test_a_path_that_is_none_is_refused(bad):
    with refused(Invalid, repr(bad)):
        SQLiteOnlineStore(bad)


@pytest.mark.parametrize("bad", [0, -1, float("nan"), float("inf"), 3601, "5", True, None])
def test_a_timeout_that_is_none_is_refused(bad):
    with refused(Invalid, repr(bad)):
        SQLiteOnlineStore("x.db", timeout=bad)


def test_a_relative_path_starts_at_the_project(tmp_path):
    assert SQLiteOnlineStore("a/b.db").at(tmp_path).path == str(tmp_path / "a" / "b.db")
    assert SQLiteOnlineStore("/a/b.db").at(tmp_path).path == "/a/b.db"


def published(path, n, **values):
    """A file of its own, closed, with an entry."""
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(n, as_of=n, **values), *(entry(other, x="x" * 500) for other in range(100, 100 + 50 * n))])
    return path


def emptied(path):
    path.write_bytes(b"")


def renamed(path):
    path.rename(f"{path}.old")


def noticed(verb):
    """What a store says within a second."""
    end = time.monotonic() + 1
    while time.monotonic() < end:
        time.sleep(0.02)
        try:
            verb()
        except PluginFailed as error:
            return str(error)
    return None


@pytest.mark.posix
@pytest.mark.parametrize("more", [1, 4])
def test_a_file_that_is_replaced_is_read_anew(path, tmp_path, more):
    published(path, 2, x=1)
    with SQLiteOnlineStore(path).open() as store, SQLiteOnlineStore(path).open() as other:
        assert_found(store.read([entry(2).address, entry(more).address]), [entry(2, as_of=2, x=1), None])
        assert_found(other.read([entry(2).address]), [entry(2, as_of=2, x=1)])
        published(tmp_path / "new.db", more, x=2).replace(path)
        other.ping()
        end = time.monotonic() + 1
        while store.read([entry(2).address]) != [None]:
            assert time.monotonic() < end
        assert_found(store.read([entry(more).address]), [entry(more, as_of=more, x=2)])
        assert_found(other.read([entry(more).address]), [entry(more, as_of=more, x=2)])
        with SQLiteOnlineStore(path).open() as publisher:
            publisher.write([entry(9, x=3)])
        assert_found(store.read([entry(9).address]), [entry(9, x=3)])


@pytest.mark.posix
@pytest.mark.parametrize("more", [1, 4])
def test_a_file_that_is_written_over_is_read_anew(path, tmp_path, more):
    published(path, 2, x=1)
    with SQLiteOnlineStore(path).open() as store:
        assert_found(store.read([entry(2).address]), [entry(2, as_of=2, x=1)])
        shutil.copy(published(tmp_path / "new.db", more, x=2), path)
        store.ping()
        assert_found(store.read([entry(2).address, entry(more).address]), [None, entry(more, as_of=more, x=2)])


@pytest.mark.posix
@pytest.mark.parametrize("harm", [Path.unlink, emptied, renamed])
def test_a_file_that_is_gone_is_said_until_there_is_one_again(path, harm):
    published(path, 1, x=1)
    with SQLiteOnlineStore(path).open() as store:
        store.ping()
        harm(path)
        with refused(PluginFailed, path.name, "gone"):
            store.ping()
        assert "gone" in noticed(lambda: store.read([entry(1).address]))
        assert "gone" in noticed(lambda: store.read_note("spend"))
        published(path, 2, x=2)
        store.ping()
        assert_found(store.read([entry(1).address, entry(2).address]), [None, entry(2, as_of=2, x=2)])


@pytest.mark.posix
@pytest.mark.parametrize("content", [b"no database at all" * 100, b"\0" * 5000])
def test_a_file_that_is_replaced_by_none_is_said(path, tmp_path, content):
    published(path, 1, x=1)
    with SQLiteOnlineStore(path).open() as store:
        store.ping()
        (tmp_path / "bad").write_bytes(content)
        (tmp_path / "bad").replace(path)
        with refused(PluginFailed, path.name):
            store.ping()
        assert noticed(lambda: store.read([entry(1).address]))


@pytest.mark.posix
def test_the_log_of_the_file_before_is_not_taken_for_the_new_ones(path, tmp_path):
    published(path, 1, x=1)
    with SQLiteOnlineStore(path).open() as store:
        store.ping()
        with closing(sqlite3.connect(path)) as killed, killed:  # a publisher that was killed: its log stays
            killed.execute("pragma wal_autocheckpoint=0")
            killed.execute("delete from entries")
            killed.commit()
            store.ping()
            assert Path(f"{path}-wal").stat().st_size
            published(tmp_path / "new.db", 4, x=2).replace(path)
            with refused(PluginFailed, "log of the file before", "online.db-wal"):
                store.ping()
        killed.close()
        for name in ("online.db-wal", "online.db-shm"):
            path.with_name(name).unlink(missing_ok=True)
        store.ping()
        assert_found(store.read([entry(4).address]), [entry(4, as_of=4, x=2)])


@pytest.mark.posix
def test_a_publisher_whose_file_is_replaced_says_so(path, tmp_path):
    with SQLiteOnlineStore(path).open() as store:
        store.write([entry(1, x=1)])
        published(tmp_path / "new.db", 4, x=2)
        path.with_name("online.db-wal").unlink()
        path.with_name("online.db-shm").unlink()
        (tmp_path / "new.db").replace(path)
        with refused(PluginFailed, path.name, "Publish again"):
            store.write([entry(2, x=1)])
        store.write([entry(2, x=1)])
        assert_found(store.read([entry(1).address, entry(2).address]), [None, entry(2, x=1)])


@pytest.mark.posix
def test_reads_go_on_while_a_file_is_replaced_again_and_again(path, tmp_path):
    published(path, 1, x=1)
    stop, wrong = threading.Event(), []

    def read():
        while not stop.is_set():
            try:
                found = [e for e in store.read([entry(n).address for n in range(1, 9)]) if e]
            except PluginFailed:
                continue
            if len(found) != 1:
                wrong.append(found)

    with SQLiteOnlineStore(path).open() as store:
        threads = [threading.Thread(target=read) for _ in range(4)]
        for thread in threads:
            thread.start()
        for n in range(2, 9):
            published(tmp_path / "new.db", n, x=n).replace(path)
            time.sleep(0.1)
        time.sleep(0.4)
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong
        store.ping()
        assert_found(store.read([entry(8).address]), [entry(8, as_of=8, x=8)])


def test_what_a_publisher_wrote_is_in_the_file_itself(path):
    with SQLiteOnlineStore(path).open() as reader:
        published(path, 1, x=1)
        reader.ping()
        published(path, 2, x=1)
        assert Path(f"{path}-wal").stat().st_size == 0
