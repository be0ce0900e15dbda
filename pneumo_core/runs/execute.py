"""Training from end to end: from a folder of X-rays to a published checkpoint."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from pneumo_core.checkpoints import Checkpoint
from pneumo_core.core.progress import Progress
from pneumo_core.datasets import Dataset, PixelStore, open_store
from pneumo_core.datasets.load import dataset_path
from pneumo_core.datasets.preparation import Preparation
from pneumo_core.lungs import LungMask, NetworkInput, framing_sentences
from pneumo_core.runs.queue import turn
from pneumo_core.runs.recorder import Historian, report_to
from pneumo_core.runs.run import Run, checkpoint_of, find_run, start_run
from pneumo_core.runs.status import Diary, RunState, at_work
from pneumo_core.training.config import TrainingConfig
from pneumo_core.training.cross_validation import Fold, fit_folds
from pneumo_core.training.job import TrainingJob
from pneumo_core.training.loop import fit
from pneumo_core.training.publish import publish, publish_folds
from pneumo_core.training.relay import Listener
from pneumo_core.training.state import Progressed
from pneumo_core.training.training_set import films_of

__all__ = ["continue_run", "execute_run", "take_part", "train"]


def train(
    data: str | os.PathLike[str],
    name: str,
    config: TrainingConfig | None = None,
    *,
    attribution: str = "",
    trained_on: str = "",
    overwrite: bool = False,
    listener: Listener | None = None,
    decoding: Progress | None = None,
) -> Checkpoint:
    """Train a network on a dataset and publish it as a model.

    Args:
        data: a folder, manifest or archive of X-rays, or a dataset's name.
        name: the model's name.
        config: the training's settings, such as ``recipe("strong", "efficientnet_b0")``.
        attribution: where the X-rays come from and their licence, for the model's card.
        trained_on: the patients, such as "children of 1 to 5 years".
        overwrite: whether a model of this name may be replaced.
        listener: is called at every step and epoch.
        decoding: is called with the number of X-rays decoded and their total.

    Returns:
        The checkpoint of the trained model.

    Raises:
        DatasetError: the dataset can't be used.
        TrainingError: the training can't start or continue; see ``continue_run`` to resume an
            interrupted one.
        CheckpointError: the name is taken or invalid.
    """
    run = start_run(
        dataset_path(data),
        name,
        config or TrainingConfig(),
        attribution=attribution,
        trained_on=trained_on,
        overwrite=overwrite,
    )
    return continue_run(run, listener=listener, decoding=decoding)


def continue_run(
    run: Run, *, listener: Listener | None = None, decoding: Progress | None = None
) -> Checkpoint:
    """Wait for a run's turn, train it to its end, and publish it.

    Its status on disk is kept up to date. Raises TrainingError (RunCancelled among them),
    DatasetError or CheckpointError.
    """
    with at_work(run.folder) as diary, turn(run.folder):
        return execute_run(run, diary, listener=listener, decoding=decoding)


def execute_run(
    run: Run,
    diary: Diary,
    *,
    listener: Listener | None = None,
    decoding: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> Checkpoint:
    """Train a run whose turn has come, publish it and set its status to done.

    ``say`` is called with a sentence for each kind of X-ray that is odd: without lungs, inverted.
    """
    diary.enter(RunState.RUNNING)
    checkpoint = checkpoint_of(run)  # by a process killed right after publishing
    if checkpoint is None:
        checkpoint = _train_and_publish(
            run, diary, Historian(diary, run.config, listener), decoding, say
        )
    diary.end(RunState.DONE, checkpoint=checkpoint.name)
    return checkpoint


def take_part(job: TrainingJob, found: Dataset) -> None:
    """Train as one of several processes, of which another has the run and publishes it.

    ``found``: the dataset as scanned for the job's config. Raises TrainingError or DatasetError.
    """
    dataset = _dataset(job.config, found)
    _fit(job, dataset, _squares(job.config, dataset), None)


def _train_and_publish(
    run: Run,
    diary: Diary,
    historian: Historian,
    decoding: Progress | None,
    say: Callable[[str], None] | None,
) -> Checkpoint:
    dataset = _dataset(run.config, run.dataset())
    squares = _squares(run.config, dataset, lambda stage: report_to(diary, stage, decoding))
    if say:
        for sentence in framing_sentences(squares.seen.remarks):
            say(sentence)
    trained = _fit(run, dataset, squares, historian)
    diary.enter(RunState.FINISHING)
    run = find_run(run.id)  # it may have been renamed in the meantime
    stages = partial(report_to, diary)
    if isinstance(trained, Progressed):
        return publish(run, dataset, squares.seen, trained, stages=stages)
    return publish_folds(run, dataset, squares.seen, trained, stages=stages)


@dataclass(frozen=True)
class _Squares:
    """What networks see, the wide squares that training crops from, and their lung masks."""

    seen: PixelStore
    wide: PixelStore
    lungs: PixelStore | None


def _dataset(config: TrainingConfig, found: Dataset) -> Dataset:
    return found.pooled() if config.folds else found


def _squares(
    config: TrainingConfig,
    dataset: Dataset,
    report: Callable[[str], Progress] | None = None,
) -> _Squares:
    """Decode the dataset; ``report`` gives the progress of a stage. Raises DatasetError."""

    def opened(films: Dataset, prepare: Preparation, stage: str) -> PixelStore:
        return open_store(films, prepare, progress=report(stage) if report else None)

    seen = opened(dataset, NetworkInput.of(config.input), "Decoding X-rays")
    wide, lungs, train = seen, None, dataset.split("train")
    if config.training_input.context > 1:
        wide = opened(train, config.training_input, "Decoding training X-rays to crop from")
    if config.lung_attention:
        lungs = opened(train, LungMask(config.training_input), "Outlining the lungs")
    return _Squares(seen, wide, lungs)


def _fit(
    job: TrainingJob, dataset: Dataset, squares: _Squares, listener: Listener | None
) -> Progressed | list[Fold]:
    config = job.config
    if config.folds:
        wide, seen = squares.wide, squares.seen
        return fit_folds(job, dataset, wide, seen, listener, lungs=squares.lungs)
    train_films = films_of(dataset, squares.wide, "train", squares.lungs)
    return fit(config, train_films, films_of(dataset, squares.seen, "val"), job.state, listener)
