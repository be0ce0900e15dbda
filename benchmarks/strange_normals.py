"""A validation split whose normal films are unlike those that a network learns from.

    python -m benchmarks.strange_normals FOLDER OUT.csv
    pneumo train --data OUT.csv --model MODEL --size SIZE --epochs 3

The normals that grey values alone (``grey_values``) take for ill, a fifth of them, become
validation films, together with those of a random 15 % of the patients with pneumonia. What is left
to train on can be told apart by grey values more easily than it should; the validation AUC tells
how far a network relied on that. Test films are left out.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.grey_values import SIDE, grey_odds
from pneumo_core.data import NORMAL, PNEUMONIA, open_store, scan
from pneumo_core.data.validation import with_twins

STRANGE, ILL = 0.20, 0.15


def main() -> None:
    """Write the manifest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    given = parser.parse_args()
    dataset = scan(given.folder)
    films = dataset.films[dataset.films["split"] != "test"].reset_index(drop=True)
    odds = pd.Series(grey_odds(films, open_store(dataset, SIDE)), films.index)
    chosen = with_twins(films, _strange(films, odds) | _some_ill(films))
    split = films["patient"].isin(chosen).map({True: "val", False: "train"})
    paths = [str(given.folder.resolve() / path) for path in films["id"]]
    columns = films[["id", "label", "subtype", "patient"]]
    columns.assign(path=paths, split=split).to_csv(given.out, index=False)
    print(pd.crosstab(split, films["label"]))


def _strange(films: pd.DataFrame, odds: pd.Series) -> set[str]:
    """Patients with a normal film that grey values take for ill most."""
    normal = odds[films["label"] == NORMAL]
    return set(films.loc[normal.index[normal >= normal.quantile(1 - STRANGE)], "patient"])


def _some_ill(films: pd.DataFrame) -> set[str]:
    patients = films.loc[films["label"] == PNEUMONIA, "patient"].unique()
    drawn = np.random.default_rng(0).permutation(np.sort(patients))
    return set(drawn[: int(ILL * len(drawn))])


if __name__ == "__main__":
    main()
