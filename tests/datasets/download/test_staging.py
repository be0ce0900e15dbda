"""From a file to a dataset in its place: read as any other, or nothing is left of it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.datasets import find_image, open_store, scan
from pneumo_core.datasets.download import (
    Source,
    datasets_home,
    delete_dataset,
    fetch,
    find_dataset,
    list_datasets,
    stage,
    unpack_npz,
)
from pneumo_core.errors import DatasetError, UnknownName
from pneumo_core.imaging import read_radiograph
from tests.datasets.download.archives import make_npz, make_zip, pictures, zip_folder
from tests.datasets.download.conftest import QUICK
from tests.datasets.download.server import Server

Films = Callable[..., Path]


def hidden() -> list[str]:
    """What lies beside the datasets."""
    home = datasets_home()
    return (
        [each.name for each in home.iterdir() if each.name.startswith(".")] if home.exists() else []
    )


def refused(file: Path, match: str, **options: Path) -> None:
    with pytest.raises(DatasetError, match=match):
        stage(file, "mine", **options)  # type: ignore[arg-type]
    assert hidden() == []
    assert list_datasets() == []


# --- ZIPs --------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", ["", "chest_xray/", "a/b/c/"])
def test_a_zip_of_labelled_folders_is_the_dataset_that_went_in(
    film_folder: Films, tmp_path: Path, top: str
) -> None:
    folder = film_folder({"train": 6, "test": 3})
    staged = stage(zip_folder(folder, tmp_path / "a.zip", top=top), "mine")
    assert list_datasets() == [], "nobody sees it before it is kept"
    kept = staged.keep()
    assert hidden() == []
    assert kept.folder == datasets_home() / "mine"
    there, original = scan(kept.location), scan(folder)
    assert there.fingerprint == original.fingerprint
    assert there.name == "mine"
    assert [each.name for each in list_datasets()] == ["mine"]
    assert list_datasets()[0].about == staged.about
    assert staged.about.films == 18


def test_a_thrown_away_dataset_leaves_nothing(film_folder: Films, tmp_path: Path) -> None:
    stage(zip_folder(film_folder({"train": 2}), tmp_path / "a.zip"), "mine").discard()
    assert list(datasets_home().iterdir()) == []


def test_a_zip_without_a_layout_is_refused(tmp_path: Path) -> None:
    refused(make_zip(tmp_path / "a.zip", {"holiday/beach.png": b"x"}), r"has no X-rays|neither")


def test_what_fails_while_it_is_unpacked_leaves_nothing(tmp_path: Path, film_folder: Films) -> None:
    archive = zip_folder(film_folder({"train": 9}), tmp_path / "a.zip")
    content = bytearray(archive.read_bytes())
    content[len(content) // 2] ^= 0xFF
    archive.write_bytes(content)
    refused(archive, r"Bad CRC-32|can't be unpacked|no ZIP")


def test_a_cancelled_unpacking_leaves_nothing(tmp_path: Path, film_folder: Films) -> None:
    class Stop(BaseException):
        """As Streamlit's, none of Exception's."""

    def stop(*_: int) -> None:
        raise Stop

    archive = zip_folder(film_folder({"train": 3}), tmp_path / "a.zip")
    with pytest.raises(Stop):
        stage(archive, "mine", stages=lambda _: stop)
    assert hidden() == []


@pytest.mark.parametrize("name", ["", "..", "a/b", "a b", ".hidden", "x" * 65, "é"])
def test_a_name_is_a_folder_s_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match=r"can't name a dataset"):
        stage(make_zip(tmp_path / "a.zip", {"a": b""}), name)


def test_a_taken_name_is_never_written_over(film_folder: Films, tmp_path: Path) -> None:
    archive = zip_folder(film_folder({"train": 2}), tmp_path / "a.zip")
    first, second = stage(archive, "mine"), stage(archive, "mine")
    first.keep()
    with pytest.raises(DatasetError, match=r"already exists. Choose another name"):
        second.keep()
    with pytest.raises(DatasetError, match=r"already exists"):
        stage(archive, "MINE")


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.rar").write_bytes(b"Rar!")
    refused(tmp_path / "a.rar", r"neither a ZIP, a CSV manifest nor")
    refused(tmp_path / "gone.zip", r"There is no file")


def test_a_dataset_is_deleted_and_forgotten(film_folder: Films, tmp_path: Path) -> None:
    stage(zip_folder(film_folder({"train": 2}), tmp_path / "a.zip"), "mine").keep()
    delete_dataset("mine")
    assert list(datasets_home().iterdir()) == []
    with pytest.raises(UnknownName, match="dataset"):
        find_dataset("mine")


# --- manifests ---------------------------------------------------------------------------------


def write_manifest(folder: Path, *rows: str, name: str = "manifest.csv") -> Path:
    """A manifest beside three films."""
    for number in range(3):
        film = Image.fromarray(np.full((70, 70), 50 * number, np.uint8))
        (folder / "films").mkdir(parents=True, exist_ok=True)
        film.save(folder / "films" / f"{number}.png")
    (folder / name).write_text("\n".join(rows) + "\n")
    return folder / name


GOOD = (
    "path,label,split,patient,subtype,id",
    "films/0.png,NORMAL,train,ann,,first",
    "films/1.png,1,TEST,ben,Virus,second",
    "films/2.png,bacteria,,,,",
)
ROWS = [
    ("films/2.png", "train", 1, "bacteria", "films/2"),
    ("first", "train", 0, "normal", "ann"),
    ("second", "test", 1, "virus", "ben"),
]


def rows_of(location: Path) -> list[tuple]:
    films = scan(location).films[["id", "split", "label", "subtype", "patient"]]
    return list(films.itertuples(index=False, name=None))


def test_a_manifest_says_what_the_films_are(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "films of mine", *GOOD)
    assert rows_of(manifest) == ROWS
    assert rows_of(manifest.parent) == ROWS, "its folder is the same dataset"
    assert find_image(manifest, "second") == manifest.parent / "films" / "1.png"
    assert find_image(manifest.parent, "second") == manifest.parent / "films" / "1.png"
    assert find_image(manifest, "third") is None
    assert scan(manifest).source.radiograph("second").pixels.shape == (70, 70)


@pytest.mark.parametrize("separator", [";", "\t"])
def test_a_manifest_may_be_separated_otherwise(tmp_path: Path, separator: str) -> None:
    manifest = write_manifest(tmp_path, *(row.replace(",", separator) for row in GOOD))
    manifest.write_text("\ufeff" + manifest.read_text(), encoding="utf-8")  # as Excel does
    assert rows_of(manifest) == ROWS


def test_a_manifest_beside_a_layout_goes_first_if_it_is_one(tmp_path: Path) -> None:
    write_manifest(tmp_path, "path,label", "films/1.png,0")
    (tmp_path / "train" / "NORMAL").mkdir(parents=True)
    shutil.copy(tmp_path / "films" / "0.png", tmp_path / "train" / "NORMAL" / "0.png")
    assert [row[0] for row in rows_of(tmp_path)] == ["films/1.png"]
    (tmp_path / "manifest.csv").write_text("something,else\n1,2\n")
    shutil.rmtree(tmp_path / "films")
    assert [row[0] for row in rows_of(tmp_path)] == ["train/NORMAL/0.png"]


def test_a_zip_with_a_manifest_keeps_what_it_says(tmp_path: Path) -> None:
    write_manifest(tmp_path / "in", *GOOD)
    kept = stage(zip_folder(tmp_path / "in", tmp_path / "a.zip", top="x/"), "mine").keep()
    assert rows_of(kept.location) == ROWS


def test_a_manifest_s_films_are_copied_with_all_that_is_said_of_them(tmp_path: Path) -> None:
    manifest = write_manifest(tmp_path / "in", *GOOD)
    before = scan(manifest).fingerprint
    kept = stage(manifest, "mine").keep()
    shutil.rmtree(tmp_path / "in")
    assert rows_of(kept.location) == ROWS
    assert scan(kept.location).fingerprint == before


@pytest.mark.parametrize(
    "path", ["../secret.png", "{out}/secret.png", "link.png", "films/../../secret.png"]
)
def test_no_film_of_a_zip_s_manifest_lies_outside(tmp_path: Path, path: str) -> None:
    """Nor does one of an uploaded CSV lie outside the folder that is open to it."""
    root = tmp_path / "root"
    manifest = write_manifest(root, "path,label", f"{path.format(out=tmp_path)},1")
    shutil.copy(root / "films" / "0.png", tmp_path / "secret.png")
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    refused(manifest, r"no X-ray .* below", root=root)
    with pytest.raises(DatasetError, match=r"no X-ray .* below"):
        scan(root)
    with pytest.raises(DatasetError, match=r"no X-ray .* below"):
        find_image(root, path)
    sent = tmp_path / "elsewhere" / "sent.csv"
    sent.parent.mkdir()
    sent.write_text(manifest.read_text())
    refused(sent, r"no X-ray .* below", root=root, base=root)


@pytest.mark.parametrize(
    ("rows", "match"),
    [
        (("file,label", "films/0.png,1"), r"has no column path"),
        (("a,b", "films/0.png,1"), r"has no column path and label"),
        ((), r"has no column path and label"),
        (("path,label",), r"lists no X-rays"),
        (("path,label", "films/9.png,1"), r"Row 2 .* no X-ray 'films/9.png' exists"),
        (("path,label", ",1"), r"Row 2 .* no X-ray '' exists"),
        (("path,label", "films/0.png,2"), r"Row 2 .* the label '2' is not known"),
        (("path,label,split", "films/0.png,1,dev"), r"the split 'dev' is not known"),
        (("path,label,subtype", "films/0.png,1,fungi"), r"the subtype 'fungi' is not known"),
        (("path,label", "", "films/0.png,1,,"), r"Row 3 .* as many columns as its header"),
        (("path,label", "films/0.png,1", "films/0.png,0"), r"id 'films/0.png' more than once"),
        (("path,label", '"films/0.png,1'), r"can't be read as CSV"),
    ],
)
def test_a_wrong_manifest_is_told_what_and_where(
    tmp_path: Path, rows: tuple[str, ...], match: str
) -> None:
    refused(write_manifest(tmp_path, *rows), match)


def test_a_manifest_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"path,label\n\xff\xfe\x00,1")
    refused(tmp_path / "a.csv", r"can't be read as CSV")


# --- MedMNIST archives ---------------------------------------------------------------------------


def test_pictures_become_films_in_labelled_folders(tmp_path: Path) -> None:
    arrays = pictures(64, train=5, val=3, test=4)
    kept = stage(make_npz(tmp_path / "a.npz", arrays), "mine").keep()
    films = scan(kept.location).films
    assert len(films) == 12
    film = kept.location / "test" / "PNEUMONIA" / "000003.png"
    pixels = np.rint(255 * read_radiograph(film).pixels).astype(np.uint8)
    assert np.array_equal(pixels, arrays["test_images"][3])
    assert films.loc[films["id"] == "test/PNEUMONIA/000003.png", "label"].item() == 1


def test_pictures_too_small_for_films_stay_in_their_archive(tmp_path: Path) -> None:
    kept = stage(make_npz(tmp_path / "a.npz", pictures(28, train=4)), "mine").keep()
    assert kept.location.name == "mine.npz"
    assert len(scan(kept.location)) == 4


def bad(**changes: object) -> dict[str, np.ndarray]:
    return pictures(64, train=4) | {name: np.asarray(value) for name, value in changes.items()}


@pytest.mark.parametrize(
    ("arrays", "match"),
    [
        (bad(train_images=[{"a": 1}]), r"contains Python objects"),
        (bad(train_labels=[[0], [1], [0]]), r"with 3 labels"),
        (bad(train_labels=[[0], [1], [0], [7]]), r"values other than 0"),
        (bad(train_images=np.zeros((4, 64, 64), np.float32)), r"is float32"),
        (bad(train_images=np.zeros((4, 64), np.uint8)), r"is uint8 \(4, 64\)"),
        (bad(train_images=np.zeros((4, 64, 64, 5), np.uint8)), r"\(4, 64, 64, 5\)"),
        (pictures(64, train=0), r"has no X-rays"),
        ({"images": np.zeros(3)}, r"has no train_images"),
    ],
)
def test_wild_archives_are_refused(tmp_path: Path, arrays: dict, match: str) -> None:
    refused(make_npz(tmp_path / "a.npz", arrays), match)


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.5, 0.99])
def test_a_broken_off_archive_is_refused(tmp_path: Path, keep: float) -> None:
    file = make_npz(tmp_path / "a.npz", pictures(64, train=4))
    file.write_bytes(file.read_bytes()[: int(keep * file.stat().st_size)])
    refused(file, r"not a valid MedMNIST archive")


def test_an_archive_is_measured_before_it_is_read(tmp_path: Path) -> None:
    file = make_npz(tmp_path / "a.npz", {"train_images": np.zeros((1000, 64, 64), np.uint8)})
    (tmp_path / "out").mkdir()
    with pytest.raises(DatasetError, match=r"holds 4 MB unpacked, over 1 MB"):
        unpack_npz(file, tmp_path / "out", limit=1_000_000)


@pytest.mark.parametrize("shape", ["(9999999999, 64)", "(4, 64, 9)", "(-1, 64, 64)"])
def test_a_header_that_lies_about_the_shape_is_refused(tmp_path: Path, shape: str) -> None:
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode() + b"x" * 99
    refused(make_zip(tmp_path / "a.npz", {"train_images.npy": array}), r"another size than|trusted")


def test_code_in_an_archive_is_never_run(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "was here",)

    file = tmp_path / "a.npz"
    np.savez(file, train_images=np.array([Evil()], dtype=object))
    refused(file, r"contains Python objects")
    assert not (tmp_path / "was here").exists()


# --- all of it ---------------------------------------------------------------------------------


def test_a_public_set_is_fetched_checked_unpacked_and_kept(
    film_folder: Films, tmp_path: Path, server: Server, source: Callable[..., Source]
) -> None:
    folder = film_folder({"train": 40, "test": 5}, side=128)
    archive = zip_folder(folder, tmp_path / "a.zip", top="chest_xray/")
    server.content = archive.read_bytes()
    server.faults.breaks_after = [100_000]
    told: list[str] = []

    def stages(title: str) -> Callable[[int, int], None]:
        told.append(title)
        return lambda done, total: None

    kept = fetch(source(file="films.zip"), "public", stages=stages, patience=QUICK)
    assert scan(kept.location).fingerprint == scan(folder).fingerprint
    assert told == ["Downloading films.zip", "Unpacking films.zip"]
    assert kept.about
    assert kept.about.licence == "CC BY 4.0"
    assert kept.about.checksum.startswith("sha256:")
    assert find_dataset("public").about == kept.about
    downloads = datasets_home().parent / "downloads"
    assert [each.name for each in downloads.iterdir() if each.suffix == ".zip"] == []


def test_a_taken_name_is_told_before_anything_is_downloaded(
    film_folder: Films, tmp_path: Path, server: Server, source: Callable[..., Source]
) -> None:
    stage(zip_folder(film_folder({"train": 2}), tmp_path / "a.zip"), "mine").keep()
    with pytest.raises(DatasetError, match=r"already exists"):
        fetch(source(), "mine")
    assert server.ranges == []


def test_decoded_films_go_with_their_dataset(film_folder: Films, tmp_path: Path) -> None:
    """Whoever deletes a dataset wants its pictures off this disk."""
    kept = stage(zip_folder(film_folder({"train": 2}), tmp_path / "a.zip"), "mine").keep()
    store = open_store(scan(kept.location), 64)
    assert store.folder.is_dir()
    delete_dataset("mine")
    assert not store.folder.exists()


def test_what_looked_at_a_thrown_away_dataset_leaves_nothing(
    film_folder: Films, tmp_path: Path
) -> None:
    staged = stage(zip_folder(film_folder({"train": 2}), tmp_path / "a.zip"), "mine")
    open_store(staged.dataset, 64, home=staged.scratch)
    staged.discard()
    assert list(datasets_home().iterdir()) == []
    assert not (datasets_home().parent / "stores").exists()
