import numpy as np

from pneumo_core.app.reading_room.display_options import lung_outline
from pneumo_core.imaging import read_radiograph
from pneumo_core.imaging.orientation import inverted_radiograph
from pneumo_core.lungs import find_lungs
from pneumo_core.reading import samples

CHEST, LEG = (sample.path for sample in samples())


def _points(path: str) -> np.ndarray:
    return np.array([point.split(",") for point in path.removeprefix("M").split("L")], float)


def test_the_outline_runs_around_the_lungs() -> None:
    radiograph = read_radiograph(CHEST)
    lines = lung_outline(radiograph)
    assert {line["level"] for line in lines} == {"lungs"}
    x, y = np.concatenate([_points(line["path"]) for line in lines]).T
    box = find_lungs(radiograph).box
    assert box is not None
    np.testing.assert_allclose(
        (x.min(), x.max(), y.min(), y.max()), (box.left, box.right, box.top, box.bottom), atol=0.02
    )


def test_without_lungs_there_is_no_outline() -> None:
    assert lung_outline(read_radiograph(LEG)) == []


def test_an_inverted_xray_has_the_outline_that_the_model_saw() -> None:
    radiograph = read_radiograph(CHEST)
    assert lung_outline(inverted_radiograph(radiograph)) == lung_outline(radiograph)
