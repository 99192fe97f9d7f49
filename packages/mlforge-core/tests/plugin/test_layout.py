"""What a store's metadata is written as, and that what was written is what is read."""

import time

import msgspec
import pytest

from mlforge.errors import Invalid
from mlforge.flow.lock import Lock, Pin
from mlforge.model.keys import Key
from mlforge.model.meta import DataFile, FeatureMeta, Increment, Part, Recipe
from mlforge.model.schema import Column
from mlforge.plugin import layout

META = FeatureMeta(
    name="spend", version="1.1.0", created_at="2025-01-15T10:00:00Z", updated_at="2025-01-15T10:00:00Z", row_count=3,
    entity_keys=("user_id",), timestamp=None, interval=None, columns=(Column("user_id", "Int64"),), schema_hash="s",
    config_hash="c", config=Recipe((Key("user_id"),)), parts=(Part("1.1.0/data.parquet", 3, 7, "ab"),),
)  # fmt: skip
MANY = 20_000
LOCK = Lock((Pin("spend", "1.1.0", "ab", ("total",)),), name="churn")


def test_a_version_of_many_files_is_completed_at_once():
    files = [DataFile(f"data.parquet/part-{n:05d}", n, str(n)) for n in range(MANY)]
    gone = DataFile("gone.parquet", 1, "ef")
    step = msgspec.structs.replace(META, increment=Increment("1.0.0", 0, 1, rows=5, gone=2))
    began = time.monotonic()
    parts = layout.complete(step, [*files, gone]).parts
    assert time.monotonic() - began < 20, "it takes the square of their number"
    assert [part.rows for part in parts] == [3, *[-1] * MANY, 2]


@pytest.mark.parametrize("value", [META, LOCK, layout.Pointer("1.1.0")], ids=["metadata", "lock", "pointer"])
def test_no_flipped_bit_is_read(value):
    data = layout.encode(value)
    assert layout.unsealed(data, type(value)) == value
    for bit in range(len(data) * 8):
        place = bit // 8
        with pytest.raises(Invalid, match="it is damaged"):
            layout.decode(data[:place] + bytes([data[place] ^ 1 << bit % 8]) + data[place + 1 :], type(value), "it")


@pytest.mark.parametrize(
    "change",
    [lambda d: d.replace(b"\n", b"\r\n"), lambda d: d + b"\n", bytes.strip],
    ids=["windows", "one more", "none"],
)
def test_lines_end_as_anywhere(change):
    """As an editor, a shell or a version control system leaves them."""
    assert Lock.decode(change(LOCK.encode())) == LOCK


def test_what_an_earlier_mlforge_wrote_is_read_as_it_is():
    old = LOCK.encode().replace(LOCK.encode()[-LOCK.encode()[::-1].index(b",") - 1 :], b"\n}")
    assert b"crc" not in old
    assert Lock.decode(old) == LOCK


@pytest.mark.parametrize("value", [META, LOCK, layout.Pointer("1.1.0")], ids=["metadata", "lock", "pointer"])
def test_what_a_later_mlforge_laid_out_otherwise_is_refused_by_its_layout(value):
    fields = msgspec.json.decode(layout.encode(value))
    fields.pop("crc")
    with pytest.raises(Invalid, match=f"it has the layout {layout.LAYOUT + 1}, which is not known here") as refused:
        layout.decode(msgspec.json.encode({"layout": layout.LAYOUT + 1, **fields, "name": []}), type(value), "it")
    assert refused.value.hint == layout.UPGRADE
    assert layout.decode(msgspec.json.encode({"layout": layout.LAYOUT, **fields}), type(value), "it") == value


def test_a_lock_of_a_later_mlforge_is_refused_by_its_layout(tmp_path):
    later = tmp_path / "later.lock"
    later.write_bytes(LOCK.encode().replace(b"{", b'{"layout": 7,', 1))
    for read in (lambda: Lock.load(later), lambda: Lock.decode(later.read_bytes())):
        with pytest.raises(Invalid, match="has the layout 7, which is not known here") as refused:
            read()
        assert refused.value.hint == layout.UPGRADE
