"""Each thing that can be wrong with a dataset is found, told and named by its films."""

import io
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pneumo_core.datasets import MIN_VALIDATION, scan
from pneumo_core.datasets.quality import KINDS, Inspection, find_in_table, inspect_dataset
from tests.datasets.quality.conftest import found, picture, plain_set

Inspect = Callable[[Mapping[str, np.ndarray]], Inspection]
COPIES = {kind for kind in KINDS if "copies" in kind}


def copies(inspection: Inspection) -> dict[str, set[frozenset[str]]]:
    """The groups of every finding of copies, by kind."""
    return {
        each.kind: {frozenset(group) for group in each.groups}
        for each in inspection.findings
        if each.kind in COPIES
    }


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "compressed": lambda film: as_jpeg(film, 30),
    "half the size": lambda film: np.asarray(Image.fromarray(film).resize((80, 80))),
    "brightened": lambda film: np.clip(film.astype(int) + 40, 0, 255).astype(np.uint8),
    "more contrast": lambda film: np.clip((film - 128.0) * 1.3 + 128, 0, 255).astype(np.uint8),
    "another gamma": lambda film: (255 * (film / 255) ** 1.6).astype(np.uint8),
}


# --- copies ----------------------------------------------------------------------------------


def test_a_sound_dataset_holds_no_copies(inspect: Inspect) -> None:
    assert copies(inspect(plain_set())) == {}


def test_an_exact_twin_across_splits_is_serious(inspect: Inspect) -> None:
    films = plain_set()
    films["test/NORMAL/again.png"] = films["train/NORMAL/trainNORMAL0.png"]
    finding = found(inspect(films), "copies across splits")
    assert finding.severity == "serious"
    assert finding.groups == (("test/NORMAL/again.png", "train/NORMAL/trainNORMAL0.png"),)
    assert "1 picture is there in two splits, 2 X-rays together" in finding.what


def test_a_twin_with_two_labels_is_serious(inspect: Inspect) -> None:
    films = plain_set()
    films["train/PNEUMONIA/again.png"] = films["train/NORMAL/trainNORMAL0.png"]
    finding = found(inspect(films), "copies with both labels")
    assert finding.severity == "serious"
    assert set(finding.ids) == {"train/PNEUMONIA/again.png", "train/NORMAL/trainNORMAL0.png"}


def test_a_twin_in_its_own_split_and_class_only_counts_double(inspect: Inspect) -> None:
    films = plain_set()
    films["train/NORMAL/again.png"] = films["train/NORMAL/trainNORMAL0.png"]
    inspection = inspect(films)
    assert set(copies(inspection)) == {"copies"}
    assert found(inspection, "copies").severity == "note"


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_a_near_copy_and_no_exact_one(inspect: Inspect, change: str) -> None:
    films = plain_set()
    films["test/NORMAL/again.png"] = CHANGES[change](films["train/NORMAL/trainNORMAL0.png"])
    pair = frozenset({"test/NORMAL/again.png", "train/NORMAL/trainNORMAL0.png"})
    assert copies(inspect(films)) == {"near-copies across splits": {pair}}


def test_a_near_copy_brings_its_exact_copies_along(inspect: Inspect) -> None:
    films = plain_set()
    first = films["train/NORMAL/trainNORMAL0.png"]
    films["train/NORMAL/twin.png"] = first
    films["train/PNEUMONIA/near.png"] = CHANGES["compressed"](first)
    all_three = frozenset(
        {"train/NORMAL/trainNORMAL0.png", "train/NORMAL/twin.png", "train/PNEUMONIA/near.png"}
    )
    assert copies(inspect(films))["near-copies with both labels"] == {all_three}


def test_blank_films_are_told_and_are_no_copies_of_each_other(inspect: Inspect) -> None:
    films = plain_set()
    films["train/NORMAL/black.png"] = np.zeros((90, 90), np.uint8)
    films["test/NORMAL/grey.png"] = np.full((90, 90), 80, np.uint8)
    inspection = inspect(films)
    assert copies(inspection) == {}
    assert set(found(inspection, "blank").ids) == {"train/NORMAL/black.png", "test/NORMAL/grey.png"}


# --- splits and labels -----------------------------------------------------------------------


def test_patients_in_two_splits_are_named_with_all_their_films(inspect: Inspect) -> None:
    films = plain_set()
    ids = [f"{split}/PNEUMONIA/person7_virus_{k}.png" for split, k in (("train", 1), ("test", 2))]
    films |= {film_id: picture(100 + k) for k, film_id in enumerate(ids)}
    finding = found(inspect(films), "patients across splits")
    assert set(finding.groups[0]) == set(ids)
    assert "1 patient name is in two splits, 2 X-rays together" in finding.what
    assert finding.severity == "careful"


def test_a_tiny_validation_split_is_told_with_what_it_could_have_shown(tmp_path: Path) -> None:
    for label, n in (("NORMAL", 8), ("PNEUMONIA", 8)):
        for split, many in (("val", n), ("train", 500)):
            (tmp_path / split / label).mkdir(parents=True)
            for k in range(many):
                (tmp_path / split / label / f"{split}{k}.png").write_bytes(f"{label}{k}".encode())
    kept = [each for each in find_in_table(scan(tmp_path)) if each.kind == "small validation"]
    assert kept[0].severity == "careful", "nothing was cut: it has both labels"
    assert "is kept, but it is small: 8 NORMAL and 8 PNEUMONIA" in kept[0].what
    dataset = scan(tmp_path, validation="large")
    (finding,) = [each for each in find_in_table(dataset) if each.kind == "small validation"]
    assert finding.severity == "note", "a larger one was cut"
    assert finding.what == dataset.cut.note  # type: ignore[union-attr]
    assert "had only 16 X-rays" in finding.what
    assert "all 8 with pneumonia were found, the sensitivity could be as low as 0.68" in (
        finding.means
    ), "Wilson's interval of 8 of 8 begins at 8 / (8 + 1.96²)"
    assert dataset.as_found().counts().loc["val"].tolist() == [8, 8]
    assert dataset.as_found().counts().loc["train"].tolist() == [500, 500]


def test_a_validation_split_that_stays_too_small_asks_for_films(inspect: Inspect) -> None:
    finding = found(inspect(plain_set()), "small validation")
    assert finding.severity == "careful"
    assert f"at least {MIN_VALIDATION}" in finding.remedy


def test_films_of_one_label_only_are_serious(inspect: Inspect) -> None:
    films = {name: film for name, film in plain_set().items() if "NORMAL/" in name}
    finding = found(inspect(films), "one class")
    assert finding.severity == "serious"
    assert "Every X-ray is labelled NORMAL" in finding.what


def test_a_split_of_one_label_is_told_apart_from_a_dataset_of_one(inspect: Inspect) -> None:
    films = {name: film for name, film in plain_set().items() if "test/NORMAL" not in name}
    finding = found(inspect(films), "one class")
    assert finding.severity == "careful"
    assert finding.what == "Every test X-ray is labelled PNEUMONIA."


def test_a_dataset_without_test_films_says_so(inspect: Inspect) -> None:
    films = {name: film for name, film in plain_set().items() if name.startswith("train")}
    assert found(inspect(films), "no test").severity == "note"


@pytest.mark.parametrize("label", ["NORMAL", "PNEUMONIA"])
def test_a_placeholder_beside_every_film_is_one_finding(inspect: Inspect, label: str) -> None:
    films = plain_set()
    black = np.zeros((90, 90), np.uint8)
    films |= {name.replace(".png", "_blank.png"): black for name in films if f"/{label}/" in name}
    inspection = inspect(films)
    finding = found(inspection, "placeholder")
    assert finding.severity == "serious"
    assert "6 X-rays of 6 patients have the same image" in finding.what
    assert copies(inspection) == {}


def test_names_that_tell_no_patient_are_said(tmp_path: Path, inspect: Inspect) -> None:
    assert (
        "12 X-rays don't identify patients" in found(inspect(plain_set()), "patients unknown").what
    )
    for k in range(60):
        film = tmp_path / "one/train/NORMAL" / f"IM-0001-{k:04d}.png"
        film.parent.mkdir(parents=True, exist_ok=True)
        film.write_bytes(b"%d" % k)
    kinds = {each.kind: each for each in find_in_table(scan(tmp_path / "one"))}
    assert kinds["patients unknown"].severity == "serious"
    assert "60 X-rays count as those of one patient, 'IM-0001'" in kinds["patients unknown"].what


# --- files -----------------------------------------------------------------------------------


def test_unreadable_films_are_named_with_their_reason(
    folder_of: Callable[[Mapping[str, np.ndarray]], Path],
) -> None:
    folder = folder_of(plain_set())
    (folder / "test" / "NORMAL" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    inspection = inspect_dataset(scan(folder))
    unreadable = found(inspection, "unreadable")
    assert unreadable.ids == ("test/NORMAL/broken.png",)
    assert "broken.png: it is damaged" in unreadable.remarks["test/NORMAL/broken.png"]
    assert "it is damaged" in unreadable.table(inspection.dataset)["remark"].iloc[0]
    assert len(inspection.sizes.table) == len(inspection.dataset) - 1


def test_the_very_small_films_of_an_archive_are_told(tmp_path: Path) -> None:
    images = np.stack([picture(seed, 28) for seed in range(4)])
    path = tmp_path / "pneumoniamnist.npz"
    np.savez(path, train_images=images, train_labels=np.array([0, 1, 0, 1]))
    inspection = inspect_dataset(scan(path))
    assert len(found(inspection, "small films").ids) == 4
    assert copies(inspection) == {}


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_pictures_in_two_grey_values_are_told_from_films(
    folder_of: Callable[[Mapping[str, np.ndarray]], Path], kind: str
) -> None:
    outline = np.where(picture(90) > 120, 255, 0).astype(np.uint8)
    films = plain_set()
    films |= {f"train/NORMAL/outlines/a{k}.{kind}": np.roll(outline, k, 0) for k in range(3)}
    finding = found(inspect_dataset(scan(folder_of(films))), "two grey values")
    assert set(finding.ids) == {f"train/NORMAL/outlines/a{k}.{kind}" for k in range(3)}
    assert finding.severity == "serious"


def test_films_are_not_taken_for_masks(inspect: Inspect) -> None:
    films = plain_set()
    dark = np.zeros((160, 160), np.uint8)
    dark[40:120, 40:120] = picture(91, 80)
    films["train/NORMAL/collimated.png"] = dark
    assert "two grey values" not in {each.kind for each in inspect(films).findings}


def test_what_lies_beside_the_films_is_one_finding_of_each_kind(
    folder_of: Callable[[Mapping[str, np.ndarray]], Path],
) -> None:
    folder = folder_of(plain_set())
    (folder / "train/NORMAL/README.txt").write_text("Films.")
    (folder / "lost+found").mkdir()
    (folder / "train/NORMAL/gone.png").symlink_to(folder / "nowhere")
    findings = find_in_table(scan(folder))
    broken = [each for each in findings if each.kind == "broken links"]
    assert [(each.severity, "'train/NORMAL/gone.png'" in each.what) for each in broken] == [
        ("careful", True)
    ]
    assert len([each for each in findings if each.kind == "left out"]) == 2


def test_a_dataset_inside_the_dataset_is_told(
    folder_of: Callable[[Mapping[str, np.ndarray]], Path],
) -> None:
    folder = folder_of(plain_set(**{"chest_xray/train/NORMAL/a.png": picture(60)}))
    (finding,) = [e for e in find_in_table(scan(folder)) if e.kind == "left out"]
    assert "'chest_xray'" in finding.what


def test_the_gravest_come_first_and_everything_is_json(inspect: Inspect) -> None:
    import json

    films = plain_set()
    films["test/NORMAL/again.png"] = films["train/NORMAL/trainNORMAL0.png"]
    films["train/NORMAL/more.png"] = films["train/NORMAL/trainNORMAL1.png"]
    inspection = inspect(films)
    order = [each.severity for each in inspection.findings]
    assert order == sorted(order, key=["serious", "careful", "note"].index)
    assert order[0] == "serious"
    told = json.loads(json.dumps(inspection.as_dict(), allow_nan=False))
    assert [each["kind"] for each in told["findings"]] == [e.kind for e in inspection.findings]


def test_a_findings_table_has_a_row_per_film_with_its_group(inspect: Inspect) -> None:
    films = plain_set()
    for k in (0, 1):
        films[f"test/NORMAL/again{k}.png"] = films[f"train/NORMAL/trainNORMAL{k}.png"]
    inspection = inspect(films)
    table = found(inspection, "copies across splits").table(inspection.dataset)
    assert table["group"].tolist() == [1, 1, 2, 2]
    assert set(table["split"]) == {"train", "test"} or "val" in set(table["split"])
    assert table["label"].unique().tolist() == ["NORMAL"]


# --- the real films --------------------------------------------------------------------------


@pytest.mark.thorough
@pytest.mark.real_data
def test_the_public_set_has_thirty_pictures_twice_and_no_near_copies(real_data: Path) -> None:
    inspection = inspect_dataset(scan(real_data))
    assert set(copies(inspection)) == {"copies"}
    assert len(found(inspection, "copies").groups) == 30
    assert len(found(inspection, "patients across splits").groups) == 170
    assert inspection.balance.ratio == pytest.approx(2.89, abs=0.005)
    assert inspection.balance.repeated == pytest.approx(1.45, abs=0.005)
    assert not inspection.unreadable
