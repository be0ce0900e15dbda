"""The reader study: agreement of readers and models on X-rays that readers called first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from pneumo_core.audit import CANNOT_TELL
from pneumo_core.core.labels import LABELS, NORMAL, PNEUMONIA
from pneumo_core.metrics import Confusion, Estimate, cohens_kappa, rate

__all__ = ["SecondOpinion", "first_calls", "opinions_table", "second_opinions"]

_CALLED = {LABELS[label]: label for label in (NORMAL, PNEUMONIA)}
_ANSWER = ["checkpoint", "version", "operating_point", "threshold"]


@dataclass(frozen=True)
class SecondOpinion:
    """A reader's own calls and a model's results at an operating point, on the same X-rays.

    ``counts``: with the reader's calls as labels, so ``fp`` are X-rays that only the model calls
    PNEUMONIA and ``fn`` those that only the reader does. ``kappa`` is Cohen's. ``seconds``: the
    median time to a call. ``not_told``: X-rays that the reader could not call; neither they nor
    calls after a result for that X-ray was shown (``too_late``) count. ``agreed`` and ``overrode``:
    the decisions after the result was shown; ``changed``: X-rays on which the decision differs from
    the reader's own call.
    """

    who: str
    checkpoint: str
    version: str
    operating_point: str
    threshold: float
    counts: Confusion
    agreement: Estimate
    kappa: Estimate
    seconds: float
    not_told: int
    too_late: int
    agreed: int
    overrode: int
    changed: int


def second_opinions(
    entries: pd.DataFrame,
    *,
    who: str | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> list[SecondOpinion]:
    """Return a row for each reader and model, from ``AuditLog.called_films()``; most X-rays first.

    ``who`` is part of a reader's name; ``since`` (inclusive) and ``until`` (exclusive) are UTC and
    select calls. A call counts when it is the reader's first on the X-ray and no result for that
    X-ray was shown to the reader before.
    """
    calls = first_calls(entries)
    if who:
        calls = calls[calls["who"].str.contains(who, case=False, regex=False)]
    if since is not None:
        calls = calls[calls["moment"] >= since]
    if until is not None:
        calls = calls[calls["moment"] < until]
    answers = entries[(entries["deed"] == "read") & entries["result"].isin(_CALLED)]
    answers = answers.drop_duplicates(["who", "film", *_ANSWER], keep="first")
    pairs = calls.merge(answers, on=["who", "film"], suffixes=("", "_model"))
    decided = entries[entries["deed"].isin(("agreed", "overrode"))]
    decided = decided.drop_duplicates(["who", "film", *_ANSWER], keep="last")
    keys = ["who", *(f"{each}_model" for each in _ANSWER)]
    found = [
        _opinion(group, calls[calls["who"] == group["who"].iloc[0]], decided)
        for _, group in pairs.groupby(keys, sort=True)
    ]
    return sorted(found, key=lambda each: -each.counts.n)


def opinions_table(found: Sequence[SecondOpinion]) -> pd.DataFrame:
    """Return the results as a table: one row each, estimates with their bounds."""
    return pd.DataFrame(
        [
            {
                "who": each.who,
                "checkpoint": each.checkpoint,
                "version": each.version,
                "operating_point": each.operating_point,
                "threshold": each.threshold,
                "films": each.counts.n,
                "both_normal": each.counts.tn,
                "only_checkpoint_pneumonia": each.counts.fp,
                "only_reader_pneumonia": each.counts.fn,
                "both_pneumonia": each.counts.tp,
                "agreement": each.agreement.value,
                "agreement_low": each.agreement.low,
                "agreement_high": each.agreement.high,
                "kappa": each.kappa.value,
                "kappa_low": each.kappa.low,
                "kappa_high": each.kappa.high,
                "median_seconds": each.seconds,
                "not_told": each.not_told,
                "too_late": each.too_late,
                "agreed": each.agreed,
                "overrode": each.overrode,
                "changed": each.changed,
            }
            for each in found
        ]
    )


def first_calls(entries: pd.DataFrame) -> pd.DataFrame:
    """Return each reader's first call on each X-ray, with ``late``: a result was shown before."""
    calls = entries[entries["deed"] == "called"].drop_duplicates(["who", "film"], keep="first")
    shown = entries[entries["deed"] == "read"].groupby(["who", "film"])["number"].min()
    first_shown = calls.join(shown.rename("shown"), on=["who", "film"])["shown"]
    return calls.assign(late=first_shown < calls["number"])


def _opinion(pairs: pd.DataFrame, calls: pd.DataFrame, decided: pd.DataFrame) -> SecondOpinion:
    """Summarise a reader's calls with one model's results (``pairs``), out of all ``calls``."""
    first = pairs.iloc[0]
    counted = pairs[~pairs["late"] & (pairs["result"] != CANNOT_TELL)]
    own = counted["result"].map(_CALLED).astype(int)
    other = counted["result_model"].map(_CALLED).astype(int)
    same = int((own == other).sum())
    answer = {each: first[f"{each}_model"] for each in _ANSWER}
    mine = decided[(decided["who"] == first["who"]) & decided["film"].isin(counted["film"])]
    for column, value in answer.items():
        mine = mine[mine[column] == value]
    final = mine.set_index("film")["result"]
    return SecondOpinion(
        who=str(first["who"]),
        checkpoint=str(answer["checkpoint"]),
        version=str(answer["version"]),
        operating_point=str(answer["operating_point"]),
        threshold=float(answer["threshold"]),
        counts=_counts(own, other),
        agreement=rate(same, len(own)),
        kappa=cohens_kappa(own, other),
        seconds=float(counted["seconds"].median()),
        not_told=int((~calls["late"] & (calls["result"] == CANNOT_TELL)).sum()),
        too_late=int(calls["late"].sum()),
        agreed=int((mine["deed"] == "agreed").sum()),
        overrode=int((mine["deed"] == "overrode").sum()),
        changed=int((counted.set_index("film")["result"].reindex(final.index) != final).sum()),
    )


def _counts(own: pd.Series, other: pd.Series) -> Confusion:
    return Confusion(
        tn=int(((own == 0) & (other == 0)).sum()),
        fp=int(((own == 0) & (other == 1)).sum()),
        fn=int(((own == 1) & (other == 0)).sum()),
        tp=int(((own == 1) & (other == 1)).sum()),
    )
