"""What lies in a dataset's folder: films through links, odd names, and what is no film."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.datasets import Dataset, find_image, open_store, scan
from tests.datasets.test_scan import touch

Maker = Callable[..., Path]


def ids(dataset: Dataset) -> list[str]:
    return dataset.films["id"].tolist()


def aside(dataset: Dataset) -> dict[str, tuple[str, ...]]:
    return {each.kind: each.paths for each in dataset.left_aside}


def write_film(folder: bytes, name: bytes, value: int) -> None:
    os.makedirs(folder, exist_ok=True)  # noqa: PTH103  names that are no text
    with open(os.path.join(folder, name), "wb") as file:  # noqa: PTH118, PTH123
        Image.fromarray(np.full((70, 70), value, np.uint8)).save(file, "PNG")


# --- names that are not UTF-8 ----------------------------------------------------------------


def test_a_name_that_is_no_utf_8_is_counted_and_shown_replaced(tmp_path: Path) -> None:
    write_film(os.fsencode(tmp_path / "test/NORMAL"), b"r\xe9sultat.png", 10)
    dataset = scan(tmp_path)
    assert ids(dataset) == ["test/NORMAL/r\ufffdsultat.png"]
    assert dataset.source.radiograph(ids(dataset)[0]).name == "r\ufffdsultat.png"
    assert len(dataset.fingerprint) == 24
    assert open_store(dataset, 64).ids == tuple(ids(dataset))


def test_names_that_look_alike_then_are_told_apart_and_each_opens_its_own(tmp_path: Path) -> None:
    for folder in (b"\xe8", b"\xe9"):
        for name, value in ((b"\xe8.png", 10), (b"\xe9.png", 20)):
            place = os.fsencode(tmp_path / "train/NORMAL") + b"/" + folder
            write_film(place, name, value + 100 * (folder == b"\xe9"))
    dataset = scan(tmp_path)
    assert len(set(ids(dataset))) == 4
    shown = {
        film: int(dataset.source.radiograph(film).pixels[0, 0] * 255 + 0.5) for film in ids(dataset)
    }
    assert sorted(shown.values()) == [10, 20, 110, 120]
    for film in ids(dataset):
        found = find_image(tmp_path, film)
        assert isinstance(found, Path)
        assert np.asarray(Image.open(found))[0, 0] == shown[film]


def test_an_unreadable_film_of_such_a_name_is_said_in_plain_letters(tmp_path: Path) -> None:
    write_film(os.fsencode(tmp_path / "test/NORMAL"), b"good.png", 10)
    place = os.fsencode(tmp_path / "test/NORMAL") + b"/b\xe9.png"
    with open(place, "wb") as file:  # noqa: PTH123
        file.write(b"broken")
    (sentence,) = open_store(scan(tmp_path), 64).unreadable.values()
    assert sentence.startswith("b\ufffd.png: ")
    sentence.encode()


# --- patients told by folders ----------------------------------------------------------------


def case_folders(root: Path, labels: Iterable[str], cases: int, name: str, films: int = 2) -> Path:
    for label in labels:
        for case in range(1, cases + 1):
            for film in range(1, films + 1):
                path = root / f"train/{label}/case{case:03d}" / name.format(film=film)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(f"{label}{case}{film}".encode())
    return root


@pytest.mark.parametrize(
    "name", ["IM-0001-{film:04d}.jpeg", "a{film}.png", "study/IM-1-{film}.png"]
)
def test_films_that_a_program_numbers_anew_in_each_folder_belong_to_it(
    tmp_path: Path, name: str
) -> None:
    dataset = scan(case_folders(tmp_path, ("NORMAL", "PNEUMONIA"), 60, name))
    films = dataset.films
    assert films["patient"].nunique() == 120, "each label has its own case001"
    assert (films.groupby("patient").size() == 2).all()
    assert dataset.counts().loc["val"].tolist() == pytest.approx([15, 15], abs=1)


def test_folders_that_are_numbered_through_are_the_patients_they_name(tmp_path: Path) -> None:
    touch(tmp_path, *(f"test/NORMAL/A{k}/IM-0001-0001.png" for k in range(5)))
    touch(tmp_path, *(f"test/PNEUMONIA/B{k}/IM-0001-0001.png" for k in range(5)))
    patients = set(scan(tmp_path).films["patient"])
    assert patients == {f"{letter}{k}" for letter in "AB" for k in range(5)}


@pytest.mark.parametrize("folder", ["images", "part{k}", "2019", "frontal", "JPEG"])
def test_folders_that_sort_films_are_no_patients(tmp_path: Path, folder: str) -> None:
    films = [f"test/NORMAL/{folder.format(k=k % 3)}/IM-{k:04d}-0001.png" for k in range(12)]
    touch(tmp_path, *films)
    assert set(scan(tmp_path).films["patient"]) == {f"IM-{k:04d}" for k in range(12)}


def test_folders_of_very_many_films_are_no_patients(tmp_path: Path) -> None:
    touch(tmp_path, *(f"test/NORMAL/{'xy'[k % 2]}/film{k}.png" for k in range(200)))
    assert scan(tmp_path).films["patient"].nunique() == 200


def test_names_given_once_count_more_than_folders(tmp_path: Path) -> None:
    touch(tmp_path, *(f"test/PNEUMONIA/box{k}/person7_virus_{k}.png" for k in range(4)))
    touch(tmp_path, *(f"test/NORMAL/patient0000{k}/study1/view1.png" for k in range(4)))
    patients = set(scan(tmp_path).films["patient"])
    assert patients == {"person7", *(f"patient0000{k}" for k in range(4))}


def test_a_date_in_a_name_is_no_patient(tmp_path: Path) -> None:
    touch(tmp_path, *(f"test/NORMAL/20230101_{k:03d}.jpeg" for k in range(9)))
    assert scan(tmp_path).films["patient"].nunique() == 9


# --- links -----------------------------------------------------------------------------------


def test_linked_splits_classes_and_folders_are_counted_and_open(
    film_folder: Maker, tmp_path: Path
) -> None:
    real = film_folder({"train": 3, "test": 2}, name="elsewhere")
    root = tmp_path / "linked"
    (root / "train").mkdir(parents=True)
    (root / "test").symlink_to(real / "test")
    (root / "train/NORMAL").symlink_to(real / "train/NORMAL")
    (root / "train/PNEUMONIA").mkdir()
    (root / "train/PNEUMONIA/more").symlink_to(real / "train/PNEUMONIA")
    dataset = scan(root)
    assert len(dataset) == 10
    for film in ids(dataset):
        found = find_image(root, film)
        assert isinstance(found, Path), film
        assert found.is_file()
        assert dataset.source.radiograph(film).pixels.shape == (64, 64)


def test_links_that_lead_nowhere_are_told_wherever_they_are(tmp_path: Path) -> None:
    touch(tmp_path, "train/NORMAL/a.png")
    for link in ("test", "train/PNEUMONIA", "train/NORMAL/b.png"):
        (tmp_path / link).symlink_to(tmp_path / "gone")
    dataset = scan(tmp_path)
    assert aside(dataset) == {"links": ("test", "train/NORMAL/b.png", "train/PNEUMONIA")}
    assert dataset.notes[0] == (
        "3 broken links are left out: 'test', 'train/NORMAL/b.png', 'train/PNEUMONIA'."
    )


def test_a_circle_of_links_ends(tmp_path: Path) -> None:
    touch(tmp_path, "test/NORMAL/a.png", "test/NORMAL/inside/b.png")
    (tmp_path / "test/NORMAL/inside/round").symlink_to(tmp_path / "test/NORMAL")
    (tmp_path / "test/NORMAL/self").symlink_to(tmp_path / "test/NORMAL/self")
    assert len(scan(tmp_path)) == 2


@pytest.mark.parametrize(
    "film", ["../outside.png", "/etc/hostname", "test/../../outside.png", "", ".", "test/NORMAL"]
)
def test_an_id_never_leads_out_of_the_folder(tmp_path: Path, film: str) -> None:
    root = touch(tmp_path / "films", "test/NORMAL/a.png")
    touch(tmp_path, "outside.png")
    assert find_image(root, film) is None


# --- what is no film -------------------------------------------------------------------------


def test_what_servers_and_systems_leave_is_no_film_and_is_said_once(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "test/NORMAL/x.jpeg",
        "test/NORMAL/@eaDir/x.jpeg/SYNOPHOTO_THUMB_M.jpg",
        "test/NORMAL/SYNOPHOTO_THUMB_XL.jpg",
        "test/NORMAL/thumbnails/x.jpeg",
        "test/NORMAL/#recycle/y.jpeg",
        "test/NORMAL/DICOMDIR",
        "lost+found/z",
        "$RECYCLE.BIN/S-1-5/z.png",
        "System Volume Information/z",
    )
    dataset = scan(tmp_path)
    assert ids(dataset) == ["test/NORMAL/x.jpeg"]
    assert set(aside(dataset)) == {"system"}
    (note,) = dataset.notes
    assert note.startswith("6 folders made by systems and viewers are left out: '$RECYCLE.BIN'")


def test_such_a_folder_does_not_hide_the_layout_inside(tmp_path: Path) -> None:
    touch(tmp_path, "films/test/NORMAL/a.png", "lost+found/z")
    assert ids(scan(tmp_path)) == ["test/NORMAL/a.png"]


@pytest.mark.parametrize("name", ["masks", "Lung masks", "segmentations", "mask"])
def test_a_folder_of_masks_is_left_aside_and_said(tmp_path: Path, name: str) -> None:
    touch(tmp_path, "test/NORMAL/images/a.png", f"test/NORMAL/{name}/a.png")
    dataset = scan(tmp_path)
    assert ids(dataset) == ["test/NORMAL/images/a.png"]
    assert aside(dataset) == {"masks": (f"test/NORMAL/{name}",)}
    assert "two grey values" in dataset.notes[0]


def test_readmes_and_masks_count_in_no_ratio(tmp_path: Path) -> None:
    touch(tmp_path, "test/NORMAL/a.png", "test/NORMAL/a_mask.png", "test/NORMAL/mask-7.png")
    touch(tmp_path, "test/NORMAL/README.txt", "test/NORMAL/LICENSE", "test/PNEUMONIA/labels.csv")
    touch(tmp_path, "test/PNEUMONIA/unmasked.png", "test/PNEUMONIA/IM0007.dcm")
    dataset = scan(tmp_path)
    assert dataset.counts().loc["test"].tolist() == [1, 2]
    assert aside(dataset) == {
        "masks": ("test/NORMAL/a_mask.png", "test/NORMAL/mask-7.png"),
        "documents": (
            *("test/NORMAL/LICENSE", "test/NORMAL/README.txt", "test/PNEUMONIA/labels.csv"),
        ),
    }


def test_a_film_without_an_ending_is_a_film(film_folder: Maker) -> None:
    folder = film_folder({"test": 2})
    film = next((folder / "test/NORMAL").iterdir())
    shutil.move(film, film.with_name("IM000001"))
    assert "test/NORMAL/IM000001" in ids(scan(folder))


@pytest.mark.posix
def test_a_pipe_in_a_class_folder_is_no_film(tmp_path: Path) -> None:
    touch(tmp_path, "test/NORMAL/a.png")
    os.mkfifo(tmp_path / "test/NORMAL/pipe.png")
    assert ids(scan(tmp_path)) == ["test/NORMAL/a.png"]
