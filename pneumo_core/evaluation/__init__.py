"""Evaluation and comparison of models on many X-rays."""

from pneumo_core.evaluation.compare import (
    PUBLISHED,
    PUBLISHED_HOW,
    Comparison,
    PairTest,
    Published,
    Spread,
    compare,
    compare_pairs,
    on_common,
    seed_groups,
    spread_of,
)
from pneumo_core.evaluation.corruptions import CORRUPTIONS, SEVERITIES, Corruption
from pneumo_core.evaluation.evaluate import DatasetEvaluation, evaluate_dataset, score_dataset
from pneumo_core.evaluation.image_changes import CHANGES
from pneumo_core.evaluation.listing import in_words, label_names
from pneumo_core.evaluation.robustness import (
    ChangedImages,
    CorruptedImages,
    corruption_robustness,
    robustness,
)
from pneumo_core.evaluation.scores import (
    UNLABELLED,
    Scores,
    dataset_scores,
    read_scores,
    read_scores_file,
    scores_csv,
    shipped_scores,
)
from pneumo_core.evaluation.study import CELL_OF, Study, point_on, worst_first
from pneumo_core.evaluation.subgroups import (
    SERIES,
    Outlier,
    Slice,
    label_doubts,
    outlier_sentence,
    outliers,
    slice_columns,
    slices,
    with_series,
)

__all__ = [
    "CELL_OF",
    "CHANGES",
    "CORRUPTIONS",
    "PUBLISHED",
    "PUBLISHED_HOW",
    "SERIES",
    "SEVERITIES",
    "UNLABELLED",
    "ChangedImages",
    "Comparison",
    "CorruptedImages",
    "Corruption",
    "DatasetEvaluation",
    "Outlier",
    "PairTest",
    "Published",
    "Scores",
    "Slice",
    "Spread",
    "Study",
    "compare",
    "compare_pairs",
    "corruption_robustness",
    "dataset_scores",
    "evaluate_dataset",
    "in_words",
    "label_doubts",
    "label_names",
    "on_common",
    "outlier_sentence",
    "outliers",
    "point_on",
    "read_scores",
    "read_scores_file",
    "robustness",
    "score_dataset",
    "scores_csv",
    "seed_groups",
    "shipped_scores",
    "slice_columns",
    "slices",
    "spread_of",
    "with_series",
    "worst_first",
]
