"""Read or embed many X-rays into a folder of parquet files, in several processes, resumably."""

from pneumo_core.batch.features import read_features
from pneumo_core.batch.job import Job, Work, open_job
from pneumo_core.batch.run import ENGINES, Engine, Summary, run_batch, summarise
from pneumo_core.batch.shards import read_results
from pneumo_core.batch.sources import list_items

__all__ = [
    "ENGINES",
    "Engine",
    "Job",
    "Summary",
    "Work",
    "list_items",
    "open_job",
    "read_features",
    "read_results",
    "run_batch",
    "summarise",
]
