"""Tables: numbers with the place of every cell that is none, names found or not, held-out columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aeverify.data import Part, load_data
from aeverify.errors import UsageError


@pytest.fixture
def table(tmp_path: Path):
    """Writes a table and returns its path."""

    def write(text: str, name: str = "t.csv", encoding: str = "utf-8") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("1,2\n3,4.5e0\n", ()),
        ("a,b\n1,2\n3,4.5\n", ("a", "b")),
        ('"a x";b\n1;2\n3; 4.5\n', ("a x", "b")),
        ("\n\na\tb\r\n1\t2\r\n\r\n3\t4.5", ("a", "b")),
        ("\ufeffa|b\n1|2\n3|4.5\n", ("a", "b")),
        ('"1","2"\n"3","4.5"\n', ()),
    ],
    ids=["plain", "names", "semicolons", "tabs and blank lines", "byte order mark", "quoted"],
)
def test_a_table_has_its_numbers_and_names(table, text: str, columns: tuple[str, ...]):
    """Separators and a line of names are found; blank lines are none."""
    data = load_data(table(text))
    assert data.columns == columns
    np.testing.assert_array_equal(data.rows([0, 1]), [[1.0, 2.0], [3.0, 4.5]])


def test_columns_and_marks_are_chosen_by_name(table):
    """The column of marks is none of the numbers, and labels are left out by naming the rest."""
    path = table("id,x,y,split\nu1,1,2,train\nu2,3,4,test\nu3,5,6,Held-Out\n")
    data = load_data(path, columns=["y", "x"], held_out="column:split")
    assert (data.columns, data.indices(Part.HELD_OUT).tolist()) == (("y", "x"), [1, 2])
    np.testing.assert_array_equal(data.rows([0]), [[2.0, 1.0]])
    positions = table("1,2,0\n3,4,1\n", "p.csv")
    assert load_data(positions, held_out="column:2").indices(Part.HELD_OUT).tolist() == [1]
    assert load_data(positions, columns=[1]).ambient_dim == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("\n \n", "is empty"),
        ("a,b\n", "no row"),
        ("a,b\n1,2\n3,x\n", r"Line 3, column 2 \(b\) of t.csv holds 'x'"),
        ("1,2\n3,\n", r"Line 2, column 2 of t.csv holds ''"),
        ("1,2\n3,1_0\n", r"Line 2, column 2 of t.csv holds '1_0'"),
        ("1,2\n3,4,5\n", "Line 2 of t.csv has 3 cells, the first line 2"),
        ("a,b\n1,2\n3\n", "Line 3 of t.csv has 1 cells"),
        ("1,b\n1,2\n", "Line 1 of t.csv has numbers and, in column 2, 'b'"),
        ("0,1,2\n3,4,5\n", "counts 0, 1, 2"),
        ("a,a\n1,2\n", "'a' stands twice"),
        ("a,\n1,2\n", "column 2 has none"),
        ("1,2\n3,nan\n", "1 rows hold NaN or infinity: row 1 of t.csv"),
        ("1,2\n-inf,3\n", "row 1 of t.csv"),
        ("1,1e999\n", "row 0 of t.csv"),
        ('a,b\n1,"2\n', "Line"),
        ("1,2\n3,\0\n", "zero byte"),
    ],
)
def test_tables_that_are_none_are_refused_with_the_place(table, text: str, words: str):
    """Line and column of what is wrong."""
    with pytest.raises(UsageError, match=words):
        load_data(table(text))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"columns": ["z"]}, "no column 'z'"),
        ({"columns": []}, "at least one column"),
        ({"columns": ["x", "x"]}, "twice"),
        ({"held_out": "column:z"}, "no column 'z'"),
        ({"held_out": "column:x"}, "Line 2 of t.csv says '3'"),
        ({"limit": 1}, "limit of 1"),
    ],
)
def test_choices_that_a_table_does_not_have_are_refused(table, options: dict, words: str):
    """Unknown, repeated or missing columns, marks that are none, too many rows."""
    with pytest.raises(UsageError, match=words):
        load_data(table("x,y\n3,1\n4,2\n"), **options)


def test_text_in_another_encoding_is_refused(table):
    """Not read as something else."""
    with pytest.raises(UsageError, match="UTF-8"):
        load_data(table("größe,b\n1,2\n", encoding="latin-1"))


def test_a_line_without_end_is_refused(table, monkeypatch: pytest.MonkeyPatch):
    """It is not read as a whole first."""
    monkeypatch.setattr("aeverify.data.csv_files._MOST_LINE", 1_000)
    with pytest.raises(UsageError, match=r"Line 2 of t\.csv is longer than 1000"):
        load_data(table("1,2\n" + "3," * 10_000 + "\n"))


def test_a_table_is_streamed(table):
    """A table larger than its memory is read again and gives the same rows."""
    x = np.round(np.random.Generator(np.random.PCG64(0)).random((500, 3)), 6)
    path = table("\n".join(",".join(map(str, row)) for row in x.tolist()))
    data = load_data(path, memory=10)
    assert data.streamed
    np.testing.assert_array_equal(np.concatenate([rows for _, rows in data.chunks()]), x)


def test_parquet_is_read_in_batches(tmp_path: Path):
    """The numbers, the marks, and columns that hold no numbers refused by name."""
    pa = pytest.importorskip("pyarrow", reason="pyarrow is an optional extra")
    import pyarrow.parquet as parquet

    rows = {"x": [1.0, 2.0, 3.0], "y": [4, 5, 6], "label": ["a", "b", "c"], "test": [False, True, False]}
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table(rows), path)
    data = load_data(path, columns=["x", "y"], held_out="column:test", memory=10_000)
    assert (data.columns, data.indices(Part.HELD_OUT).tolist()) == (("x", "y"), [1])
    np.testing.assert_array_equal(data.rows([0, 1, 2]), [[1, 4], [2, 5], [3, 6]])
    with pytest.raises(UsageError, match="Column 'label'"):
        load_data(path)
    with pytest.raises(UsageError, match="limit of 2"):
        load_data(path, columns=["x"], limit=2)
    parquet.write_table(pa.table({"x": [1.0, None]}), path)
    with pytest.raises(UsageError, match="no value in row 1"):
        load_data(path)
    parquet.write_table(pa.table({"x": [[1.0, 2.0], [3.0]]}), path)
    with pytest.raises(UsageError, match="list"):
        load_data(path)
    parquet.write_table(pa.table({"x": pa.array([], pa.float64())}), path)
    with pytest.raises(UsageError, match="no rows"):
        load_data(path)
    parquet.write_table(pa.table({"x": np.zeros(9_000_000)}), path)
    with pytest.raises(UsageError, match="expands"):
        load_data(path)
    path.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with pytest.raises(UsageError, match="no Parquet file"):
        load_data(path)


def test_without_pyarrow_the_message_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """An optional library that is missing is no traceback."""
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    with pytest.raises(UsageError, match=r"aeverify\[parquet\]"):
        load_data(tmp_path / "t.parquet")
