from dataclasses import replace

from pneumo_core.checkpoints import Checkpoint, best_for
from pneumo_core.metrics import Estimate


def _with(checkpoint: Checkpoint, name: str, **values: float) -> Checkpoint:
    estimates = {key: Estimate(value, value, value) for key, value in values.items()}
    figures = replace(checkpoint.card.evaluation["test"], **estimates)
    card = replace(checkpoint.card, evaluation={"test": figures})
    return Checkpoint(checkpoint.folder.with_name(name), card)


def test_each_figure_names_its_best_models(checkpoint: Checkpoint) -> None:
    first = _with(checkpoint, "first", auc=0.9, sensitivity=0.8, specificity=0.7)
    second = _with(checkpoint, "second", auc=0.8, sensitivity=0.9, specificity=0.7)
    assert best_for([first, second]) == {
        "first": ("highest AUC", "fewest false alarms"),
        "second": ("fewest missed", "fewest false alarms"),
    }


def test_one_model_is_best_at_nothing(checkpoint: Checkpoint) -> None:
    assert best_for([checkpoint]) == {checkpoint.name: ()}
