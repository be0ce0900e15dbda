"""Manifests of a batch: spelled as those of a dataset, and no row that says two things."""

import os
from pathlib import Path

import pytest

from pneumo_core.batch import list_items
from pneumo_core.batch.sources import open_source
from pneumo_core.errors import DatasetError, UnreadableImage

TABLE = "path,label\na.png,1\n"


def listed(folder: Path, content: str | bytes, name: str = "films.csv") -> list[tuple[str, object]]:
    """The id and the label of each X-ray of a manifest with this content."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    items = list(list_items([str(path)]))
    assert all(item["file"] == str(folder / "a.png") for item in items)
    return [(item["id"], item["label"]) for item in items]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffpath,label\na.png,1\n",
        TABLE.encode("utf-16"),
        b"\xfe\xff" + TABLE.encode("utf-16-be"),
        "path;label\r\na.png;1\r\n".encode("utf-16"),
        "path,label\r\na.png,1\r\n",
        "path,label\ra.png,1\r",
        "path;label\na.png;1\n",
        "path\tlabel\na.png\t1\n",
        "sep=;\r\npath;label\r\na.png;1\r\n",
        "\n\nPATH , Label \n a.png , Pneumonia \n",
        "path,label\n\na.png,1.0\n,\n\n",
        "path,label\na.png,1\na.png,1\n",
    ],
    ids=lambda content: repr(content)[:30],
)
def test_every_spelling_of_one_table(tmp_path: Path, content: str | bytes) -> None:
    assert listed(tmp_path, content) == [("a.png", 1)]


def test_paths_of_windows(tmp_path: Path) -> None:
    items = list_items([write(tmp_path, "path\nsub\\a.png\n")])
    assert [item["file"] for item in items] == [str(tmp_path / "sub" / "a.png")]


def write(folder: Path, content: str | bytes) -> str:
    path = folder / "films.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "has no column path"),
        ("path,label\n", "lists no X-rays"),
        ("path,path\na.png,b.png\n", "more than one column path"),
        ("path,label,LABEL\na.png,0,1\n", "more than one column label"),
        ("path,label\n,1\n", "Row 2 of .* has no path"),
        ("path,label\na.png\n", "Row 2 of .* does not have as many columns"),
        ("path,id\na.png,x\nb.png,x\n", "the id 'x' more than once"),
        ("path,label\na.png,0\na.png,1\n", "'a.png' two labels, 0 and 1"),
        ("path,label\na.png,NaN\n", "the label 'NaN' is not known"),
        (TABLE.encode("utf-16-le"), "zero bytes"),
        (TABLE.encode("utf-32"), "zero bytes"),
        ("path\nä.png\n".encode("cp1252"), "Save it as CSV in UTF-8"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_says_nothing_or_two_things_is_refused(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    with pytest.raises(DatasetError, match=words):
        list(list_items([write(tmp_path, content)]))


# Names.


@pytest.mark.linux
def test_a_name_that_is_not_utf_8_is_read_and_shown_replaced(tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xe9vrier"))
    folder.mkdir()
    film = Path(os.fsdecode(os.fsencode(folder) + b"/r\xe9sultat.png"))
    film.write_bytes(b"x")
    (item,) = list_items([str(folder)])
    assert item["file"] == str(tmp_path / "f\ufffdvrier" / "r\ufffdsultat.png")
    assert open_source(item["file"]) == film
    film.with_name(os.fsdecode(b"r\xe8sultat.png")).write_bytes(b"y")
    with pytest.raises(UnreadableImage, match="another file's looks the same"):
        open_source(item["file"])
    film.unlink()
    assert open_source(str(tmp_path / "no\ufffd" / "x.png")) == tmp_path / "no\ufffd" / "x.png"
