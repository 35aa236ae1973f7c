"""Manifests: columns are added, nothing else changes by a byte, and what is broken is named and passed by."""

from __future__ import annotations

import io
import json
import os
import tracemalloc
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_tui.errors import UsageError
from aim_tui.inputs.manifests import PathError, locate_image, open_manifest, require_columns
from aim_tui.inputs.manifests.base import LONGEST
from aim_tui.inputs.manifests.json_text import JsonError, parse_object

if TYPE_CHECKING:
    from pathlib import Path

ADDED = {"score": float, "reason": str}


def rewritten(path: Path, cells: dict[str, object] | None = None) -> tuple[bytes, list[str]]:
    """The file with the cells added to each row, and what was said of the rows that are none."""
    manifest = open_manifest(path)
    out = io.BytesIO()
    writer = manifest.writer(out, ADDED)
    troubles = []
    for row in manifest.rows(("image", "text")):
        if row.problem:
            troubles.append(f"{row.where}: {row.problem}")
        writer.write(row, {} if row.blank else cells or {"score": 0.5, "reason": None})
    writer.end()
    return out.getvalue(), troubles


def test_json_lines_keep_numbers_escapes_order_line_ends_and_bom_as_they_are_written(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(
        b'\xef\xbb\xbf{"b": 1.0, "a": 1e400, "image": "x.png"}\r\n'
        b'{"n":123456789012345678901234567890,"t":"\\u00e9\\/ \xe2\x80\xa8"}\n'
        b"\n"
        b"{}\n"
        b'  {"deep": {"x": [1, -0.0, NaN]} }  '
    )
    data, troubles = rewritten(file)
    assert troubles == []
    assert data == (
        b'\xef\xbb\xbf{"b": 1.0, "a": 1e400, "image": "x.png", "score": 0.5, "reason": null}\r\n'
        b'{"n":123456789012345678901234567890,"t":"\\u00e9\\/ \xe2\x80\xa8","score":0.5,"reason":null}\n'
        b"\n"
        b'{"score": 0.5, "reason": null}\n'
        b'  {"deep": {"x": [1, -0.0, NaN]}, "score": 0.5, "reason": null }  '
    )


HOSTILE = [
    (b'{"a": 1, "a": 2}', "has the key 'a' more than once"),
    (b'{"a": {"b": 1, "b": 2}}', "has the key 'b' more than once in one object"),
    (b"[" * 100_000, "is nested too deeply"),
    (b'{"a":' * 100_000, "is nested too deeply"),
    (b'{"a": "' + b"x" * LONGEST + b'"}', "is longer than 16 MiB"),
    (b'{"a": "\x00"}', "is not valid JSON (Invalid control character at: column 8)"),
    (b'{"a": "\xff"}', "is not UTF-8 (byte 0xff)"),
    (b'"text"', "is a text, not an object"),
    (b"17", "is a number, not an object"),
    (b"null", "is null, not an object"),
    (b'{"a": 1', "is not valid JSON (a comma or a closing brace is expected: column 8)"),
    (b'{"a": 1} {"b": 2}', "is not valid JSON (something follows its end: column 10)"),
    (b'{"a": 1,}', "is not valid JSON (a name in double quotes is expected: column 9)"),
    (b'{"a"}', "is not valid JSON (a colon is expected: column 5)"),
    (b"{'a': 1}", "is not valid JSON (a name in double quotes is expected: column 2)"),
]


@pytest.mark.parametrize("array", [False, True])
def test_a_bad_row_of_json_is_named_and_the_rest_goes_on(tmp_path: Path, array: bool) -> None:
    good = b'{"image": "a.png"}'
    for bad, problem in HOSTILE:
        if array and bad.startswith((b"[", b'{"a":{', b'{"a":' * 2)) or (array and bad == b'{"a": 1'):
            continue  # brackets that never close swallow what follows: the test below
        file = tmp_path / ("rows.json" if array else "rows.jsonl")
        file.write_bytes(b"[\n" + b",\n".join([good, bad, good]) + b"\n]" if array else b"\n".join([good, bad, good]))
        data, troubles = rewritten(file)
        assert troubles == [f"{'row 2 (line 3)' if array else 'line 2'}: {problem}"], bad[:40]
        rows = json.loads(data) if array else [json.loads(line) for line in data.splitlines()]
        assert rows == [{"image": "a.png", "score": 0.5, "reason": None}] * 2


def test_an_array_that_is_cut_off_gives_the_rows_that_are_whole(tmp_path: Path) -> None:
    file = tmp_path / "rows.json"
    for cut in (
        b'[{"image": "a"}, {"image": "b',
        b'[{"image": "a"}, {"x": [[[',
        b'[{"image": "a"},',
        b'[{"image": "a"}',
    ):
        file.write_bytes(cut)
        data, troubles = rewritten(file)
        assert [row["image"] for row in json.loads(data)] == (["a"] if cut.count(b",") else [])
        assert len(troubles) == 1 and "has no end: the file is cut off" in troubles[0]


def test_an_array_keeps_its_layout(tmp_path: Path) -> None:
    rows = [{"image": 'a, ]\\" [{.png', "n": 1}, {}, {"x": [{"y": "]"}]}]
    for indent in (None, 2, "\t"):
        file = tmp_path / "rows.json"
        file.write_text(json.dumps(rows, indent=indent) + "\n")
        data, troubles = rewritten(file)
        wanted = [{**row, "score": 0.5, "reason": None} for row in rows]
        assert troubles == [] and json.loads(data) == wanted
        if indent is None:
            assert data.decode() == json.dumps(wanted) + "\n"


def test_an_array_is_cut_right_wherever_a_block_of_the_file_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"image": 'q"\\"]},{[', "\\": "\\\\"}, {"n": [[], {}]}, {"u": "é\u2028"}]
    file = tmp_path / "rows.json"
    file.write_text(" [ " + " , ".join(json.dumps(row, ensure_ascii=False) for row in rows) + " ] \n")
    for size in range(1, 12):
        monkeypatch.setattr("aim_tui.inputs.manifests.json_array._BLOCK", size)
        data, troubles = rewritten(file)
        assert troubles == []
        assert json.loads(data) == [{**row, "score": 0.5, "reason": None} for row in rows]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(st.dictionaries(st.text(), JSON), st.sampled_from([None, 1]), st.booleans(), st.text(min_size=1))
def test_any_object_gets_a_member_or_another_value_for_one_and_keeps_the_rest(
    data: dict[str, object], indent: int | None, ascii_only: bool, name: str
) -> None:
    text = json.dumps(data, indent=indent, ensure_ascii=ascii_only)
    changed = parse_object(text).with_members({name: "new"})
    assert json.loads(changed) == data | {name: "new"}
    assert list(json.loads(changed)) == list(data | {name: "new"})


@given(st.text(alphabet='{}[]",:\\ab1 \n\t-.eE', max_size=40))
def test_what_is_taken_for_an_object_is_one(text: str) -> None:
    try:
        values = parse_object(text).values()
    except JsonError:
        return
    assert json.loads(text, parse_int=float) == values


def test_csv_keeps_dialect_quotes_line_ends_and_bom(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(
        b'\xef\xbb\xbf"image";text;n\r\n'
        b'"a.png";"two\r\nlines; and ""quotes""";1,0\r\n'
        b"\r\n"
        b"short.png\r\n"
        b'b.png;5" wide;=1+1'
    )
    data, troubles = rewritten(file)
    assert troubles == []
    assert data == (
        b'\xef\xbb\xbf"image";text;n;score;reason\r\n'
        b'"a.png";"two\r\nlines; and ""quotes""";1,0;0.5;\r\n'
        b"\r\n"
        b"short.png;;;0.5;\r\n"
        b'b.png;5" wide;=1+1;0.5;\r\n'
    )


def test_a_bad_record_of_csv_gives_up_its_own_line_alone(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_bytes(
        b'image,text\na,b,c\na,"never closed\na,ok\na,"x"y\na,\xff\na,\0\nb,ok\n' + b"a," + b"x" * LONGEST + b"\nc,ok\n"
    )
    data, troubles = rewritten(file)
    assert data == b"image,text,score,reason\na,ok,0.5,\nb,ok,0.5,\nc,ok,0.5,\n"
    assert [trouble.partition(":")[0] for trouble in troubles] == [f"line {n}" for n in (2, 3, 5, 6, 7, 9)]
    assert "has 3 cells, but the header has 2" in troubles[0] and "an unclosed or misplaced quote" in troubles[1]
    assert "not UTF-8" in troubles[3] and "zero byte" in troubles[4] and "16 MiB" in troubles[5]


def test_what_is_added_to_csv_is_no_formula_and_what_the_user_wrote_stays(tmp_path: Path) -> None:
    file = tmp_path / "rows.csv"
    file.write_text('image,text\n=cmd(),"=HYPERLINK(""x"")"\n')
    for reason, cell in (
        ("=1+1", "'=1+1"),
        ("@x, y", '"\'@x, y"'),
        ("-2\nlines", '"\'-2\nlines"'),
        ("\x1b[31m", "\\x1b[31m"),
    ):
        data, _ = rewritten(file, {"score": -0.25, "reason": reason})
        assert data.decode() == f'image,text,score,reason\n=cmd(),"=HYPERLINK(""x"")",-0.25,{cell}\n'


def test_a_column_that_is_there_gets_the_new_value_in_its_place(tmp_path: Path) -> None:
    text = tmp_path / "rows.csv"
    text.write_text('image,score,text\n"a,",old,"b, ""c"""\n')
    assert rewritten(text)[0] == b'image,score,text,reason\n"a,",0.5,"b, ""c""",\n'
    lines = tmp_path / "rows.jsonl"
    lines.write_text('{"image": "a", "score": [1, {"score": 2}], "text": "b"}\n')
    assert rewritten(lines)[0] == b'{"image": "a", "score": 0.5, "text": "b", "reason": null}\n'


def parquet(file: Path, rows: int = 10, group: int = 4) -> None:
    schema = pa.schema(
        [
            pa.field("image", pa.dictionary(pa.int32(), pa.string()), metadata={b"k": b"v"}),
            pa.field("text", pa.large_string()),
            pa.field("when", pa.timestamp("us", "UTC")),
            pa.field("box", pa.list_(pa.struct([("x", pa.float32())]))),
            pa.field("money", pa.decimal128(20, 3)),
        ],
        metadata={b"pandas": b"{}", b"own": b"\xff"},
    )
    columns = [
        pa.array([f"{n % 3}.png" for n in range(rows)]).dictionary_encode(),
        pa.array([None if n % 4 == 0 else "=text" for n in range(rows)], pa.large_string()),
        pa.array(range(rows), pa.timestamp("us", "UTC")),
        pa.array([[{"x": n / 7}] for n in range(rows)], schema.field("box").type),
        pa.array([None] * rows, pa.decimal128(20, 3)),
    ]
    table = pa.Table.from_arrays(columns, schema=schema)
    pq.write_table(table, file, row_group_size=group, compression="zstd")


@pytest.mark.parametrize("large", [False, True])
def test_parquet_keeps_schema_metadata_types_values_and_row_groups(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, large: bool
) -> None:
    if large:
        monkeypatch.setattr("aim_tui.inputs.manifests.parquet._LARGE", 1)
    file, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    parquet(file)
    out.write_bytes(rewritten(file)[0])
    before, after = pq.read_table(file), pq.read_table(out)
    assert after.drop_columns(["score", "reason"]).equals(before, check_metadata=True)
    assert after.schema.field("image").type == before.schema.field("image").type
    assert after.column("score").to_pylist() == [0.5] * 10 and after.schema.field("reason").type == pa.string()
    meta = pq.ParquetFile(out).metadata
    assert meta.row_group(0).column(0).compression == "ZSTD"
    assert [meta.row_group(n).num_rows for n in range(meta.num_row_groups)] == ([1] * 10 if large else [4, 4, 2])


def test_parquet_that_ends_early_is_a_whole_file_of_the_rows_so_far(tmp_path: Path) -> None:
    file, out = tmp_path / "rows.parquet", tmp_path / "out.parquet"
    parquet(file)
    manifest = open_manifest(file)
    with out.open("wb") as stream:
        writer = manifest.writer(stream, ADDED)
        for row in list(manifest.rows(("image",)))[:6]:
            writer.write(row, {"score": None, "reason": "why"})
        writer.end()
    assert pq.read_table(out).column("reason").to_pylist() == ["why"] * 6


def test_a_column_of_parquet_that_holds_no_text_is_refused(tmp_path: Path) -> None:
    parquet(tmp_path / "rows.parquet")
    with pytest.raises(UsageError, match="the column 'box' holds list"):
        list(open_manifest(tmp_path / "rows.parquet").rows(("box",)))


def test_what_is_no_manifest_is_refused_and_says_why(tmp_path: Path) -> None:
    cases = {
        "a.txt": (b"x", "unknown file extension"),
        "a.json": (b'{"rows": [\n1]}', "is not a list of objects"),
        "b.json": (b"", "is not a list of objects"),
        "a.csv": (b"", "is empty"),
        "a.jsonl": (b"\xff\xfe{\0", "is UTF-16"),
        "a.parquet": (b"PAR1", "cannot be read as Parquet"),
    }
    for name, (data, said) in cases.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UsageError, match=said):
            require_columns(open_manifest(tmp_path / name), ("image",))
    with pytest.raises(UsageError, match="No such file"):
        open_manifest(tmp_path / "gone.jsonl")
    (tmp_path / "typo.csv").write_text("image_path,text\n")
    with pytest.raises(UsageError, match="no column 'image_pth'; did you mean 'image_path'"):
        require_columns(open_manifest(tmp_path / "typo.csv"), ("image_pth",))


def test_a_file_named_json_may_have_an_object_a_line(tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text('{"image": "a"}\n{"image": "b"}\n')
    assert [row.values for row in open_manifest(tmp_path / "rows.json").rows(("image",))] == [
        {"image": "a"},
        {"image": "b"},
    ]


def test_a_path_is_looked_for_beside_the_manifest_then_in_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside, here = tmp_path / "beside", tmp_path / "here"
    for folder in (beside, here):
        (folder / "sub").mkdir(parents=True)
        (folder / "both.png").touch()
    (here / "sub" / "only.png").touch()
    (tmp_path / "outside.png").touch()
    monkeypatch.chdir(here)
    folder = str(beside)
    assert locate_image("both.png", folder) == str(beside / "both.png")
    assert locate_image("sub/only.png", folder) == str(here / "sub" / "only.png")
    assert locate_image("gone.png", folder) == str(beside / "gone.png")
    assert locate_image("../outside.png", folder) == str(tmp_path / "outside.png")
    assert locate_image("/etc/../x.png", folder) == "/etc/../x.png"
    assert locate_image(os.fsdecode(b"\xff.png"), folder).endswith("\udcff.png")
    monkeypatch.chdir(here / "sub")
    assert locate_image("../both2.png", folder) == str(tmp_path / "both2.png")


@pytest.mark.parametrize(
    "url", ["https://x.org/a.png", "S3://bucket/a.png", "file:///etc/passwd", "data:image/png;base64,"]
)
def test_a_url_is_refused_with_a_hint(url: str) -> None:
    with pytest.raises(PathError, match="is a URL, not a file: fetch it first"):
        locate_image(url, "/")


def test_a_path_with_a_zero_byte_or_half_a_character_is_refused() -> None:
    for path, said in (("a\0.png", "zero byte"), ("\ud800.png", "unpaired surrogate")):
        with pytest.raises(PathError, match=said):
            locate_image(path, "/")


@pytest.mark.parametrize("suffix", [".jsonl", ".json", ".csv"])
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, suffix: str) -> None:
    def peak(rows: int) -> int:
        file = tmp_path / f"{rows}{suffix}"
        with file.open("w") as out:
            out.write({".jsonl": "", ".json": "[\n", ".csv": "image,text\n"}[suffix])
            for number in range(rows):
                if suffix == ".csv":
                    out.write(f"{number}.png,a lake {number}\n")
                else:
                    comma = ",\n" if suffix == ".json" and number < rows - 1 else "\n"
                    out.write(json.dumps({"image": f"{number}.png", "text": "a lake"}) + comma)
            out.write("]\n" if suffix == ".json" else "")
        manifest = open_manifest(file)
        with (tmp_path / "out").open("wb") as stream:
            tracemalloc.start()
            writer = manifest.writer(stream, ADDED)
            for row in manifest.rows(("image", "text")):
                writer.write(row, {"score": 0.5, "reason": None})
            writer.end()
            found = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
        return found

    peak(10)
    assert peak(4000) < peak(1000) + 400_000
