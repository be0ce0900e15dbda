"""Folders and archives become the right table, or a sentence says why not."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pneumo_core.datasets import MIN_VALIDATION, Dataset, scan
from pneumo_core.datasets.dataset import COLUMNS
from pneumo_core.datasets.scan import patient_of, subtype_of
from pneumo_core.errors import DatasetError

Maker = Callable[..., Path]


def touch(root: Path, *films: str) -> Path:
    """Files that are films by name alone: scanning decodes nothing."""
    for film in films:
        path = root / film
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(film.encode())
    return root


def table(root: Path, *columns: str) -> list[tuple]:
    return list(scan(root).films[list(columns)].itertuples(index=False, name=None))


# --- layouts ---------------------------------------------------------------------------------


def test_splits_and_classes_become_a_table(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "test/NORMAL/IM-0001-0001.jpeg",
        "test/PNEUMONIA/person1_virus_6.jpeg",
    )
    films = scan(tmp_path).films
    assert tuple(films.columns) == COLUMNS
    assert films.drop(columns=["path", "digest"]).to_numpy().tolist() == [
        ["test/NORMAL/IM-0001-0001.jpeg", "test", 0, "normal", "IM-0001"],
        ["test/PNEUMONIA/person1_virus_6.jpeg", "test", 1, "virus", "person1"],
    ]
    assert [Path(path).is_file() for path in films["path"]] == [True, True]


@pytest.mark.parametrize(
    ("folder", "split"),
    [
        ("train", "train"),
        ("Training", "train"),
        ("test", "test"),
        ("TESTING", "test"),
    ],
)
def test_splits_go_by_several_names(tmp_path: Path, folder: str, split: str) -> None:
    touch(tmp_path, f"{folder}/NORMAL/a.png")
    assert table(tmp_path, "id", "split") == [(f"{folder}/NORMAL/a.png", split)]


@pytest.mark.parametrize("folder", ["val", "valid", "Validation"])
def test_a_usable_validation_split_is_kept_whatever_its_name(tmp_path: Path, folder: str) -> None:
    films = [f"{folder}/NORMAL/{k}.png" for k in range(MIN_VALIDATION)]
    touch(tmp_path, "train/NORMAL/a.png", *films)
    assert scan(tmp_path).counts().loc["val"].tolist() == [MIN_VALIDATION, 0]


@pytest.mark.parametrize(
    ("folder", "label", "subtype"),
    [
        ("NORMAL", 0, "normal"),
        ("normal", 0, "normal"),
        ("Pneumonia", 1, ""),
        ("BACTERIA", 1, "bacteria"),
        ("bacterial", 1, "bacteria"),
        ("Virus", 1, "virus"),
        ("viral", 1, "virus"),
    ],
)
def test_classes_go_by_several_names(tmp_path: Path, folder: str, label: int, subtype: str) -> None:
    touch(tmp_path, f"test/{folder}/a.png")
    assert table(tmp_path, "label", "subtype") == [(label, subtype)]


def test_classes_without_splits_count_as_train(film_folder: Maker) -> None:
    dataset = scan(film_folder({"": 20}))
    assert set(dataset.films["split"]) == {"train", "val"}
    assert dataset.films["id"].iloc[0] == "NORMAL/IM-0001-0001.png"


def test_the_layout_is_found_inside_nested_folders(tmp_path: Path) -> None:
    touch(tmp_path, "a/chest_xray/test/NORMAL/1.png", "a/__MACOSX/test/NORMAL/._1.png")
    dataset = scan(tmp_path)
    assert dataset.name == "chest_xray"
    assert dataset.films["id"].tolist() == ["test/NORMAL/1.png"]


def test_what_systems_leave_behind_is_no_film(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "test/NORMAL/a.png",
        "test/NORMAL/.hidden.png",
        "test/NORMAL/Thumbs.db",
        "test/NORMAL/desktop.ini",
        "test/NORMAL/.ipynb_checkpoints/a-checkpoint.png",
        "test/NORMAL/__MACOSX/a.png",
        "test/.DS_Store",
        ".git/NORMAL/b.png",
        "LICENSE.txt",
    )
    assert table(tmp_path, "id") == [("test/NORMAL/a.png",)]


def test_a_hidden_folder_above_hides_nothing(tmp_path: Path) -> None:
    touch(tmp_path / ".cache/films", "test/NORMAL/a.png")
    assert table(tmp_path / ".cache/films", "id") == [("test/NORMAL/a.png",)]


def test_films_may_lie_deeper_in_a_class(tmp_path: Path) -> None:
    touch(tmp_path, "test/NORMAL/patient00007/study1/view1_frontal.jpg")
    film = "test/NORMAL/patient00007/study1/view1_frontal.jpg"
    assert table(tmp_path, "id", "patient") == [(film, "patient00007")]


# --- refusals --------------------------------------------------------------------------------


def test_a_folder_that_is_neither_split_nor_class_is_refused(tmp_path: Path) -> None:
    touch(tmp_path, "train/NORMAL/a.png", "train/COVID/b.png", "extra/c.png")
    with pytest.raises(DatasetError, match=r"neither a split nor a class: 'extra', 'train.COVID'"):
        scan(tmp_path)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="There is no folder or file '.*nowhere'. Check"):
        scan(tmp_path / "nowhere")


@pytest.mark.parametrize("films", [[], ["a.png"], ["train/a.png"]])
def test_a_folder_without_films_in_classes_is_refused(tmp_path: Path, films: list[str]) -> None:
    touch(tmp_path, *films)
    (tmp_path / "train/NORMAL").mkdir(parents=True)
    with pytest.raises(DatasetError, match="has no X-rays in a layout.*train/NORMAL"):
        scan(tmp_path)


def test_a_film_that_vanishes_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "test/NORMAL/a.png")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(DatasetError, match="can't be opened: Permission denied"):
        scan(tmp_path)


def test_a_folder_that_may_not_be_looked_into_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "test/NORMAL/a.png")

    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", refuse)
    with pytest.raises(DatasetError, match=r"can't be opened: Permission denied"):
        scan(tmp_path)


# --- names -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "patient"),
    [
        ("train/PNEUMONIA/person23_bacteria_78.jpeg", "person23"),
        ("train/PNEUMONIA/person447_virus_921_1.jpeg", "person447"),
        ("train/NORMAL/NORMAL2-IM-0381-0001.jpeg", "NORMAL2-IM-0381"),
        ("train/NORMAL/IM-0011-0001-0002.jpeg", "IM-0011"),
        ("train/NORMAL/IM-0115-0001.jpeg", "IM-0115"),
        ("NORMAL/patient00001/study1/view1_frontal.jpg", "patient00001"),
        ("NORMAL/00000013_026.png", "00000013"),
        ("NORMAL/whatever.7.png", "NORMAL/whatever.7"),
    ],
)
def test_patients_are_told_by_the_name(path: str, patient: str) -> None:
    assert patient_of(Path(path)) == patient


def test_the_two_series_of_normals_are_different_children() -> None:
    assert patient_of(Path("IM-0381-0001.jpeg")) != patient_of(Path("NORMAL2-IM-0381-0001.jpeg"))


def test_films_of_unknown_naming_share_no_patient(tmp_path: Path) -> None:
    touch(tmp_path, "test/NORMAL/1.png", "test/PNEUMONIA/1.png")
    assert scan(tmp_path).films["patient"].nunique() == 2


@pytest.mark.parametrize(
    ("name", "label", "subtype"),
    [
        ("person23_bacteria_78.jpeg", 1, "bacteria"),
        ("person447_virus_921_1.jpeg", 1, "virus"),
        ("PERSON1_VIRUS_1.JPEG", 1, "virus"),
        ("film.png", 1, ""),
        ("bacteria.png", 0, "normal"),
    ],
)
def test_subtypes_are_told_by_label_and_name(name: str, label: int, subtype: str) -> None:
    assert subtype_of(Path(name), label) == subtype


# --- the fingerprint --------------------------------------------------------------------------


@pytest.fixture
def films(film_folder: Maker) -> Path:
    return film_folder({"train": 4, "test": 2})


def fingerprint(root: Path) -> str:
    return scan(root).fingerprint


def test_the_fingerprint_is_24_hex_digits(films: Path) -> None:
    found = fingerprint(films)
    assert len(found) == 24
    assert int(found, 16) >= 0


def test_the_same_films_elsewhere_have_the_same_fingerprint(films: Path, tmp_path: Path) -> None:
    copy = tmp_path / "deep" / "elsewhere"
    for path in sorted(films.rglob("*.png"), reverse=True):
        target = copy / path.relative_to(films)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, target)
    assert fingerprint(copy) == fingerprint(films)


def test_the_fingerprint_knows_no_order(films: Path) -> None:
    dataset = scan(films)
    shuffled = dataset.with_films(dataset.films.sample(frac=1, random_state=0))
    assert shuffled.films["id"].tolist() != dataset.films["id"].tolist()
    assert shuffled.fingerprint == dataset.fingerprint


def change_pixel(film: Path) -> None:
    film.write_bytes(film.read_bytes()[:-1] + b"\0")


def change_name(film: Path) -> None:
    film.rename(film.with_name("IM-9999-0001.png"))


def change_label(film: Path) -> None:
    film.rename(film.parents[1] / "PNEUMONIA" / film.name)


def change_split(film: Path) -> None:
    film.rename(film.parents[2] / "test" / "NORMAL" / film.name)


@pytest.mark.parametrize(
    "change", [change_pixel, change_name, change_label, change_split, os.remove]
)
def test_any_change_of_the_films_changes_the_fingerprint(
    films: Path, change: Callable[[Path], None]
) -> None:
    before = fingerprint(films)
    change(next(iter(sorted((films / "train/NORMAL").iterdir()))))
    assert fingerprint(films) != before


# --- the table ---------------------------------------------------------------------------------


def test_counts_hold_their_zeros(tmp_path: Path) -> None:
    counts = scan(touch(tmp_path, "test/NORMAL/a.png", "test/NORMAL/b.png")).counts()
    assert counts.to_dict("index") == {
        "train": {"NORMAL": 0, "PNEUMONIA": 0},
        "val": {"NORMAL": 0, "PNEUMONIA": 0},
        "test": {"NORMAL": 2, "PNEUMONIA": 0},
    }


def test_a_split_holds_its_films_alone(films: Path) -> None:
    dataset = scan(films)
    assert set(dataset.split("test").films["split"]) == {"test"}
    assert len(dataset.split("test")) == 4
    assert dataset.split("all") is dataset


def test_an_empty_split_says_what_there_is(tmp_path: Path) -> None:
    dataset = scan(touch(tmp_path, "test/NORMAL/a.png"))
    with pytest.raises(DatasetError, match=r"no X-rays in split 'train'. It has: test \(1\)"):
        dataset.split("train")


def test_films_are_selected_in_the_order_asked_for(films: Path) -> None:
    dataset = scan(films)
    ids = dataset.films["id"].tolist()[::-2]
    chosen = dataset.select(ids)
    assert chosen.films["id"].tolist() == ids
    assert tuple(chosen.films.columns) == COLUMNS
    with pytest.raises(KeyError):
        dataset.select(["nowhere.png"])


def test_a_film_is_decoded_by_its_id(films: Path) -> None:
    radiograph = scan(films).source.radiograph("train/NORMAL/IM-0001-0001.png")
    assert radiograph.name == "IM-0001-0001.png"
    assert radiograph.pixels.shape == (64, 64)


# --- MedMNIST ----------------------------------------------------------------------------------


def archive(path: Path, **members: np.ndarray) -> Path:
    np.savez_compressed(path, **members)
    return path


def images(n: int, side: int = 28, *, colour: bool = False) -> np.ndarray:
    shape = (n, side, side, 3) if colour else (n, side, side)
    return np.random.default_rng(n).integers(0, 256, shape, dtype=np.uint8)


def medmnist(path: Path) -> Dataset:
    return scan(
        archive(
            path,
            train_images=images(4),
            train_labels=np.array([[0], [1], [1], [0]], np.uint8),
            val_images=images(MIN_VALIDATION),
            val_labels=np.tile(np.array([[0], [1]], np.uint8), (MIN_VALIDATION // 2, 1)),
            test_images=images(2),
            test_labels=np.array([[1], [0]], np.uint8),
        )
    )


def test_a_medmnist_archive_becomes_a_table(tmp_path: Path) -> None:
    dataset = medmnist(tmp_path / "pneumoniamnist.npz")
    assert dataset.name == "pneumoniamnist"
    assert dataset.counts().to_numpy().tolist() == [[2, 2], [50, 50], [1, 1]]
    test = dataset.split("test").films
    assert test[["id", "label", "subtype"]].to_numpy().tolist() == [
        ["test/000000", 1, ""],
        ["test/000001", 0, "normal"],
    ]


def test_a_medmnist_film_of_28_pixels_is_decoded(tmp_path: Path) -> None:
    radiograph = medmnist(tmp_path / "pneumoniamnist.npz").source.radiograph("test/000001")
    assert np.array_equal(np.rint(radiograph.pixels * 255), images(2)[1])
    assert (radiograph.facts.width, radiograph.facts.height) == (28, 28)


def test_colour_in_an_archive_becomes_luma(tmp_path: Path) -> None:
    film = np.zeros((1, 28, 28, 3), np.uint8)
    film[..., 1] = 255
    dataset = scan(archive(tmp_path / "a.npz", test_images=film, test_labels=np.array([0])))
    assert dataset.source.radiograph("test/000000").pixels == pytest.approx(0.587, abs=1e-4)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"x": images(1)}, "no train_images"),
        ({"test_images": images(0), "test_labels": np.zeros(0)}, "no X-rays"),
        ({"test_images": images(2), "test_labels": np.zeros(3)}, "3 labels"),
        ({"test_images": images(2).astype(float), "test_labels": np.zeros(2)}, "float64"),
        ({"test_images": images(2)[0], "test_labels": np.zeros(28)}, r"\(28, 28\)"),
        ({"test_images": images(2), "test_labels": np.array([0, 7])}, "other than 0"),
        ({"test_images": images(2), "test_labels": np.zeros((2, 14))}, "28 labels"),
        ({"test_images": images(1), "test_labels": np.array([{}])}, "readable"),
    ],
    ids=["no images", "empty", "labels", "float", "one image", "classes", "many labels", "objects"],
)
def test_other_archives_are_refused(
    tmp_path: Path, members: dict[str, np.ndarray], words: str
) -> None:
    path = archive(tmp_path / "films.npz", **members)
    with pytest.raises(DatasetError, match=f"'films.npz'.*{words}"):
        scan(path)


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04", b"\x93NUMPY"])
def test_a_file_that_is_no_archive_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "films.npz"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"'films.npz' is neither a folder nor a readable .npz"):
        scan(path)


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "films.npz", test_images=images(20), test_labels=np.zeros(20))
    whole = path.read_bytes()
    for at in range(0, len(whole) - 40, 397):
        path.write_bytes(
            whole[:at] + bytes(b ^ 0xFF for b in whole[at : at + 40]) + whole[at + 40 :]
        )
        with pytest.raises(DatasetError, match=r"'films\.npz'"):
            scan(path)


def test_a_copy_of_the_dataset_inside_it_is_left_out_with_a_note(
    film_folder: Callable[..., Path], tmp_path: Path
):
    """The best-known public archive unpacks so."""
    folder = film_folder({"train": 4, "test": 2}, name="chest_xray")
    shutil.copytree(folder, tmp_path / "inside")
    (tmp_path / "inside").rename(folder / "chest_xray")
    dataset = scan(folder)
    assert len(dataset) == 12
    assert any("left out: 'chest_xray'" in note for note in dataset.notes)
