"""Choose the scores to evaluate: stored with the model, from the dataset, or a file."""

import streamlit as st

from pneumo_core.app.memory import cached
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.framing_remarks import say_remarks
from pneumo_core.app.widgets.linked_choice import choose_linked
from pneumo_core.app.widgets.model_choice import DATASET, dataset_sources
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.app.words import plain, x_rays
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.evaluation import Scores, Study, dataset_scores, read_scores, shipped_scores
from pneumo_core.inference import dataset_for

__all__ = ["choose_scores", "say_warnings", "scores_for", "source_names", "study_of"]

FILE = "file"
_TITLES = {"test": "Stored test scores", "val": "Stored validation scores"}


def source_names(checkpoint: Checkpoint) -> dict[str, str]:
    """Return the sources by the word used in links, the default first."""
    splits = [s for s in ("test", "val") if s in checkpoint.card.evaluation]
    names = {split: f"{_TITLES[split]}: {_count(checkpoint, split)}" for split in splits}
    of_dataset = {
        word: f"{title}, to be scored" for word, title in dataset_sources(checkpoint).items()
    }
    return names | of_dataset | {FILE: "Scores file"}


def choose_scores(checkpoint: Checkpoint) -> Scores | None:
    """Ask for a source and whatever it needs; None until there are scores.

    In step with the query parameter ``films``. Raises PneumoError.
    """
    names = source_names(checkpoint)
    return scores_for(
        checkpoint, choose_linked(st.container(), "X-rays", "films", names, key="films")
    )


def scores_for(checkpoint: Checkpoint, source: str) -> Scores | None:
    """Return the scores of a source; None while a file or a click is awaited."""
    if source == FILE:
        return _uploaded(checkpoint)
    who = (checkpoint.name, checkpoint.card.version, source)
    if not source.startswith(DATASET):
        return cached("scores", who, lambda: shipped_scores(checkpoint, source), most=8)
    split = source.removeprefix(DATASET)
    return _scored(checkpoint, split, who)


def _scored(checkpoint: Checkpoint, split: str, who: tuple[str, ...]) -> Scores | None:
    """Score the dataset with a bar and a Cancel button; scores are saved on disk."""
    data = dataset_in_use()
    if data is None:
        return None
    name = f"Score {split} X-rays with {checkpoint.name}"

    def compute(report: Report) -> Scores:
        films = dataset_for(checkpoint, data).split(split)
        return dataset_scores(
            checkpoint, films, decoding=report("Decoding X-rays"), scoring=report("Scoring X-rays")
        )

    try:
        where = (*who, dataset_key(data))
        return cancellable_once(cached, "scores", where, name, compute, most=8)
    except Cancelled:
        st.info("Not scored yet. Press the button to start, or choose other X-rays.")
        return None


def _uploaded(checkpoint: Checkpoint) -> Scores | None:
    upload = st.file_uploader(
        "Table with a row per X-ray: CSV or Parquet",
        type=["csv", "parquet"],
        key="scores file",
        help="Columns id and probability, and label (0 or 1) to evaluate; patient, split, subtype "
        "and others are optional. Stays in memory.",
    )
    if upload is None:
        st.info(
            "Upload a scores file with the columns `id`, `probability` and `label`, such as the "
            "scores CSV that this page exports.",
            icon=":material/upload_file:",
        )
        return None
    scores = read_scores(upload.getvalue(), upload.name)
    _warn_of_another_version(scores, checkpoint)
    return scores


def _warn_of_another_version(scores: Scores, checkpoint: Checkpoint) -> None:
    made_by, version = scores.checkpoint, scores.version
    if not made_by or (made_by, version) == (checkpoint.name, checkpoint.card.version):
        return
    st.warning(
        f"These scores were made by {plain(made_by)}, version {plain(version)}; you have chosen "
        f"{plain(checkpoint.name)}, version {checkpoint.card.version}. An operating point belongs "
        "to one version only, so do not use it on other scores.",
        icon=":material/warning:",
    )


def _count(checkpoint: Checkpoint, split: str) -> int:
    return checkpoint.card.evaluation[split].n


def study_of(scores: Scores) -> Study:
    """Return the study of these scores, cached in the session."""
    return cached("studies", scores.key, lambda: Study(scores), most=8)


def say_warnings(scores: Scores) -> None:
    """Show warnings about the scores and the unreadable files."""
    for warning in scores.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    say_remarks(scores.remarks)
    if scores.unreadable:
        with st.expander(f"{x_rays(len(scores.unreadable))} could not be read"):
            for reason in scores.unreadable.values():
                st.markdown(f"- {plain(reason)}")
