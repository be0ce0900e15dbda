"""Manifests as spreadsheets and other systems write them."""

import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.datasets import find_image, read_manifest, scan
from pneumo_core.errors import DatasetError

NAMES = ("a.png", "b,c.png", "d;e.png", 'q"u.png', "Thorax Größe ñ.png", "胸部.png")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for k, name in enumerate(NAMES):
        pixels = np.random.default_rng(k).integers(0, 255, (64, 64), np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)
    return tmp_path


def rows(folder: Path, content: str | bytes) -> list[tuple[str, int]]:
    """The id and the label of each row of a manifest with this content."""
    path = folder / "films.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    films = read_manifest(path)
    return list(zip(films["id"], films["label"], strict=True))


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffpath,label\na.png,1\n",
        "path,label\r\na.png,1\r\n",
        "path,label\ra.png,1\r",
        "path;label\na.png;1\n",
        "path\tlabel\na.png\t1\n",
        "sep=;\r\npath;label\r\na.png;1\r\n",
        "\n\npath,label\na.png,1\n",
        '"path","label","seen; by; whom; when"\na.png,1,x\n',
        " Path , LABEL \n a.png , 1 \n",
        "path,label,,\na.png,1,,\n",
        "path,label\na.png,1".encode("utf-16"),
    ],
    ids=lambda content: repr(content)[:30],
)
def test_every_spelling_of_one_table(folder: Path, content: str | bytes) -> None:
    assert rows(folder, content) == [("a.png", 1)]


@pytest.mark.parametrize(
    ("cell", "name"),
    [('"b,c.png"', "b,c.png"), ('"q""u.png"', 'q"u.png'), ("d;e.png", "d;e.png")],
)
def test_quoted_names(folder: Path, cell: str, name: str) -> None:
    assert rows(folder, f"path,label\n{cell},0\n") == [(name, 0)]


@pytest.mark.parametrize("name", NAMES[4:])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
def test_names_in_any_alphabet_and_unicode_form(folder: Path, name: str, form: str) -> None:
    spelled = unicodedata.normalize(form, name)
    assert rows(folder, f"path,label\n{spelled},0\n") == [(spelled, 0)]
    assert find_image(folder / "films.csv", spelled) == folder / name


def test_one_film_in_two_rows_is_refused_whatever_its_ids(folder: Path) -> None:
    with pytest.raises(DatasetError, match="lists one X-ray more than once: './a.png'"):
        rows(folder, "path,label\na.png,0\n./a.png,1\n")
    with pytest.raises(DatasetError, match="more than once: 'second'"):
        rows(folder, "path,label,id\na.png,0,first\na.png,1,second\n")


def test_an_encoding_that_cannot_be_told_is_refused(folder: Path) -> None:
    with pytest.raises(DatasetError, match="Save it as CSV in UTF-8"):
        rows(folder, f"path,label\n{NAMES[4]},0\n".encode("cp1252"))


@pytest.mark.parametrize("path", ["x" * 300, "a\0b", "~no-such-user/x"])
def test_paths_that_no_system_has_are_a_sentence(path: str) -> None:
    with pytest.raises(DatasetError, match="Check the path"):
        scan(Path(path))
    assert find_image(Path(path), "x") is None


def test_an_id_longer_than_a_name_may_be_is_not_there(folder: Path) -> None:
    assert find_image(folder, "a" * 5000) is None
