"""Which films a checkpoint is judged on: those it comes with, the dataset, or a scores file."""

import streamlit as st

from pneumo_core.app.memory import kept
from pneumo_core.app.widgets.dataset_choice import dataset_in_use, dataset_key
from pneumo_core.app.widgets.model_choice import DATASET, choose_linked, dataset_sources
from pneumo_core.app.widgets.progress import Cancelled, Report, cancellable_once
from pneumo_core.app.words import plain
from pneumo_core.checkpoints import Checkpoint
from pneumo_core.evaluation import Scores, Study, dataset_scores, read_scores, shipped_scores
from pneumo_core.inference import dataset_for

__all__ = ["choose_scores", "say_warnings", "scores_for", "source_names", "study_of"]

FILE = "file"
_TITLES = {"test": "Test films it comes with", "val": "Validation films it comes with"}


def source_names(checkpoint: Checkpoint) -> dict[str, str]:
    """What can be chosen, by the word that a link carries: the default first."""
    splits = [s for s in ("test", "val") if s in checkpoint.card.evaluation]
    names = {split: f"{_TITLES[split]}: {_count(checkpoint, split)}" for split in splits}
    of_dataset = {word: f"{title}, scored here" for word, title in dataset_sources().items()}
    return names | of_dataset | {FILE: "A file of scores"}


def choose_scores(checkpoint: Checkpoint) -> Scores | None:
    """A select box of sources, and what the chosen one needs; None until there are scores.

    The query parameter ``films`` carries the choice. Raises PneumoError.
    """
    names = source_names(checkpoint)
    return scores_for(
        checkpoint, choose_linked(st.container(), "Films", "films", names, key="films")
    )


def scores_for(checkpoint: Checkpoint, source: str) -> Scores | None:
    """The scores of a chosen source; None while a file or a decision is waited for."""
    if source == FILE:
        return _uploaded(checkpoint)
    who = (checkpoint.name, checkpoint.card.version, source)
    if not source.startswith(DATASET):
        return kept("scores", who, lambda: shipped_scores(checkpoint, source), most=8)
    split = source.removeprefix(DATASET)
    return _scored(checkpoint, split, who)


def _scored(checkpoint: Checkpoint, split: str, who: tuple[str, ...]) -> Scores | None:
    """Scores of the dataset, computed with a bar and a way out; kept on disk for the next time."""
    data = dataset_in_use()
    if data is None:
        return None
    name = f"Score {split} films with {checkpoint.name}"

    def compute(report: Report) -> Scores:
        films = dataset_for(checkpoint, data).split(split)
        return dataset_scores(
            checkpoint, films, decoding=report("Decoding films"), scoring=report("Scoring films")
        )

    try:
        where = (*who, dataset_key(data))
        return cancellable_once(kept, "scores", where, name, compute, most=8)
    except Cancelled:
        st.info("Nothing is scored yet. Start it with the button, or choose other films.")
        return None


def _uploaded(checkpoint: Checkpoint) -> Scores | None:
    upload = st.file_uploader(
        "A table with a row per film: CSV or parquet",
        type=["csv", "parquet"],
        key="scores file",
        help="Columns id and probability, and label (0 or 1) to be judged; patient, split, subtype "
        "and any others are taken where they are. Stays in memory.",
    )
    if upload is None:
        st.info(
            "Upload a scores file: columns `id`, `probability` and `label`. The CSV that this page "
            "offers for download is one.",
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
        "to one version only: on other scores it means nothing.",
        icon=":material/warning:",
    )


def _count(checkpoint: Checkpoint, split: str) -> int:
    return checkpoint.card.evaluation[split].n


def study_of(scores: Scores) -> Study:
    """Every figure about these scores, computed once in a session."""
    return kept("studies", scores.key, lambda: Study(scores), most=8)


def say_warnings(scores: Scores) -> None:
    """What to be careful about, and which films couldn't be read."""
    for warning in scores.warnings:
        st.warning(plain(warning), icon=":material/warning:")
    if scores.unreadable:
        with st.expander(f"{len(scores.unreadable)} films could not be read"):
            for reason in scores.unreadable.values():
                st.markdown(f"- {plain(reason)}")
