"""One film by its id, whatever the dataset is made of: the same one that scanning gives."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.datasets import find_image, folder_of, scan
from pneumo_core.datasets.formats import medmnist as _archive
from pneumo_core.errors import DatasetError
from pneumo_core.imaging import read_radiograph
from tests.datasets.test_export import unpacked
from tests.datasets.test_scan import archive, images

Maker = Callable[..., Path]


def write_archive(path: Path, seed: int = 3) -> Path:
    return archive(path, test_images=images(seed, 70), test_labels=np.arange(seed) % 2)


def test_a_film_of_an_archive_is_the_one_that_scanning_gives(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "set.npz")
    source = scan(path).source
    for row in range(3):
        found = find_image(path, f"test/{row:06d}")
        assert isinstance(found, bytes)
        film = source.radiograph(f"test/{row:06d}").pixels
        assert np.array_equal(read_radiograph(found).pixels, film)
    for other in ("test/000003", "train/000000", "test/x", "test", "test/-1", "test/²"):
        assert find_image(path, other) is None


def test_an_archive_is_unpacked_once_and_again_when_it_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_archive(tmp_path / "set.npz")
    read = _archive.read_archive
    times: list[Path] = []
    monkeypatch.setattr(_archive, "read_archive", lambda at: times.append(at) or read(at))
    first = [find_image(path, "test/000001") for _ in range(5)]
    assert len(times) == 1
    assert len(set(first)) == 1
    write_archive(path, 4)
    assert find_image(path, "test/000001") not in first
    assert len(times) == 2


def write_manifest(folder: Path, films: Path, ids: str = "second") -> Path:
    paths = sorted(films.rglob("*.png"))[:2]
    rows = [f"{paths[0]}\tNORMAL\tfirst", f"{paths[1]}\tPNEUMONIA\t{ids}"]
    (folder / "list.tsv").write_text("\n".join(["path\tlabel\tid", *rows]))
    return folder / "list.tsv"


def test_a_manifest_is_read_once_and_again_when_it_changed(
    film_folder: Maker, tmp_path: Path
) -> None:
    films = film_folder({"test": 2})
    manifest = write_manifest(tmp_path, films)
    assert find_image(manifest, "second") == sorted(films.rglob("*.png"))[1]
    write_manifest(tmp_path, films, "another name")
    assert find_image(manifest, "second") is None
    assert find_image(manifest, "another name") == sorted(films.rglob("*.png"))[1]


def test_films_of_a_manifest_are_exported_with_their_ids_labels_and_patients(
    film_folder: Maker, tmp_path: Path
) -> None:
    manifest = write_manifest(tmp_path, film_folder({"test": 2}), "../../outside")
    films = scan(manifest).films
    found = scan(unpacked(folder_of(manifest, films), tmp_path / "taken"))
    columns = ["id", "label", "split", "patient", "subtype", "digest"]
    assert found.films[columns].to_dict() == films[columns].to_dict()
    assert not (tmp_path.parent / "outside").exists()


# --- what a manifest may not be --------------------------------------------------------------


@pytest.mark.parametrize("column", ["label", "path", "Split", "patient"])
def test_a_column_that_is_there_twice_is_refused(tmp_path: Path, column: str) -> None:
    names = ["path", "label", "split", "patient", column]
    (tmp_path / "list.csv").write_text(",".join(names) + "\na.png,0,test,p,x\n")
    with pytest.raises(DatasetError, match=f"more than one column {column.lower()}"):
        scan(tmp_path / "list.csv")


def test_columns_that_are_of_no_use_may_repeat(film_folder: Maker, tmp_path: Path) -> None:
    film = next(film_folder({"test": 1}).rglob("*.png"))
    (tmp_path / "list.csv").write_text(f"path,label,note,note\n{film},0,a,b\n")
    assert len(scan(tmp_path / "list.csv")) == 1
