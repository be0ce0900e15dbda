"""Pages name the X-rays of a dataset that a model may not have seen as it should."""

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pneumo_core.checkpoints import load_checkpoint
from pneumo_core.datasets import scan
from pneumo_core.evaluation import dataset_scores
from pneumo_core.reading import samples
from tests.app.test_share_inside_lungs import ROOT


def _warnings(folder: str, checkpoints: str) -> None:
    from pathlib import Path

    from pneumo_core.app.evaluate.score_cache import say_warnings
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.datasets import scan
    from pneumo_core.evaluation import dataset_scores

    checkpoint = load_checkpoint("cnn_94", Path(checkpoints))
    say_warnings(dataset_scores(checkpoint, scan(Path(folder))))


def test_evaluate_names_an_image_without_lungs(tmp_path: Path) -> None:
    for label, sample in zip(("NORMAL", "PNEUMONIA"), samples(), strict=True):
        (tmp_path / "films" / label).mkdir(parents=True)
        name = f"x_{sample.path.name}"
        (tmp_path / "films" / label / name).write_bytes(sample.path.read_bytes())
    places = {"folder": str(tmp_path / "films"), "checkpoints": str(ROOT / "checkpoints")}
    app = AppTest.from_function(_warnings, default_timeout=60, kwargs=places).run()
    assert not app.exception
    (told,) = [each.value.replace("\\", "") for each in app.caption]
    assert "No lungs were found in 1 X-ray, so the model saw the whole image" in told
    scores = dataset_scores(
        load_checkpoint("cnn_94", ROOT / "checkpoints"), scan(tmp_path / "films")
    )
    assert list(scores.remarks.values()) == ["no_lungs"]


@pytest.mark.parametrize("remarks", [{}, {"a": "unsure_lungs"}])
def test_there_is_nothing_to_say_or_a_line_for_each_kind(remarks: dict[str, str]) -> None:
    def shown(remarks: dict[str, str]) -> None:
        from pneumo_core.app.widgets.framing_remarks import say_remarks

        say_remarks(remarks)

    app = AppTest.from_function(shown, default_timeout=60, kwargs={"remarks": remarks}).run()
    assert len(app.caption) == len(remarks)
