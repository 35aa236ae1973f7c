"""One door for each format: whatever is wrong with a file, one kind of refusal names the file and the fault."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aim_tui.core.text import plain_cell, spreadsheet_cell
from aim_tui.documents import delimiter_of, parse_csv, parse_env, parse_json, parse_json_lines, parse_toml, read_text
from aim_tui.errors import ConfigError, UsageError
from aim_tui.inputs.manifests import open_manifest


def read_json(path: Path) -> Any:
    return parse_json(path, read_text(path))


def read_lines(path: Path) -> Any:
    return list(parse_json_lines(path, read_text(path)))


def read_toml(path: Path) -> Any:
    return parse_toml(path, read_text(path))


@pytest.mark.parametrize(
    ("read", "content", "problem"),
    [
        (read_json, "[" * 200_000, "is nested too deeply"),
        (read_json, "9" * 5_000, "has a number of more than 4,300 digits"),
        (read_json, '{"a": 1, "a": 2}', "an object has the key 'a' more than once"),
        (read_lines, '{"a": 1}\n\n{"a": 1,\n"a": 2}\n', "line 3: an object has the key 'a' more than once"),
        (read_lines, '{"a": 1} {"b": 2}\n', "line 1: is not valid JSON (something follows its end"),
        (read_lines, '{"a": 1}\n{"a":\n', "line 2: is not valid JSON"),
        (read_toml, f"a = {'[' * 5_000}", "not valid TOML: it is nested too deeply"),
        (read_toml, f"a = {'9' * 5_000}", "not valid TOML: has a number of more than 4,300 digits"),
        (read_toml, "a = = 1", "not valid TOML: Invalid value"),
        (read_toml, "a = 2020-13-45", "not valid TOML"),
    ],
)
def test_what_a_parser_stumbles_over_is_refused_with_the_file(
    tmp_path: Path, read: Callable[[Path], Any], content: str, problem: str
) -> None:
    path = tmp_path / "f"
    path.write_text(content)
    with pytest.raises(UsageError) as refused:
        read(path)
    assert str(path) in refused.value.message and problem in refused.value.message


def test_an_object_may_be_written_over_several_lines(tmp_path: Path) -> None:
    text = '{\n  "a": "}\\u2028{",\n  "b": [1,\n 2]\n}\n\n{"a": 2}\r\n{\n}'
    assert list(parse_json_lines(tmp_path, text)) == [(1, {"a": "}\u2028{", "b": [1, 2]}), (7, {"a": 2}), (8, {})]


def test_a_variable_with_a_zero_byte_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="HF_TOKEN contains a zero byte"):
        parse_env(tmp_path / ".env", "HF_TOKEN=a\0b\n")
    assert parse_env(tmp_path / ".env", "A=1\nB=\n# c\n") == {"A": "1"}


@pytest.mark.parametrize(
    ("header", "delimiter"),
    [("a,b", ","), ("a;b", ";"), ("a\tb", "\t"), ('"a;b";c', ";"), ("a;b,c;d", ";"), ('a,"b;c;d"', ","), ("a", ",")],
)
def test_the_delimiter_is_the_most_frequent_one_outside_quotes(header: str, delimiter: str) -> None:
    assert delimiter_of(header) == delimiter


@pytest.mark.parametrize("text", ["=1+2", "+3", "-x", "@a", "'=x", "''-y", "'tis", "plain", "", "'", "\uff1dx"])
def test_a_text_survives_our_own_csv(tmp_path: Path, text: str) -> None:
    cell = spreadsheet_cell(text)
    assert plain_cell(cell) == text
    assert not cell.startswith(("=", "+", "-", "@", "\uff1d"))
    content = parse_csv(tmp_path / "f.csv", f"id,text\n1,{cell}\n")
    assert content.records[0][1][1] == text


def test_damaged_parquet_is_read_or_refused_never_more(tmp_path: Path) -> None:
    pa, pq = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    path, chance = tmp_path / "f.parquet", random.Random(0)
    table = pa.table({"image_path": [f"{n}.png" for n in range(40)], "text": ["a cabin"] * 40})
    pq.write_table(table, path)
    whole, refused = path.read_bytes(), 0
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.choice([1, 2, 8])):
            data[chance.randrange(len(data))] = chance.randrange(256)
        path.write_bytes(data if chance.random() < 0.8 else data[: chance.randrange(len(data))])
        try:
            manifest = open_manifest(path)
            manifest.columns()
            for row in manifest.rows(("image_path", "text")):
                row.text("text")
        except UsageError as error:
            refused += 1
            assert "f.parquet" in error.message
    assert refused > 20
