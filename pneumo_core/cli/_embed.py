"""``pneumo embed``: features of many X-rays, and maps of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumo_core.cli._batch import AddressOption, BatchOptions, EngineOption, WorkersOption
from pneumo_core.cli._batch import run as run_batch
from pneumo_core.cli._shared import (
    DataOption,
    ModelOption,
    ShippedOption,
    SplitOption,
    ValidationOption,
    app,
    dataset_folder,
    dataset_given,
    open_dataset,
    say_left_out,
    say_remarks,
)
from pneumo_core.cli._terminal import out, progress_bar
from pneumo_core.errors import PneumoError

if TYPE_CHECKING:
    from collections.abc import Callable

    from pneumo_core.checkpoints import Checkpoint
    from pneumo_core.embeddings import Features, Projection


@app.command()
def embed(
    target: Annotated[
        Path,
        typer.Option("--out", help="File to write a map to (.parquet or .csv), or a folder."),
    ],
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            help="With a folder as --out: X-rays, folders, patterns, manifests, archives, URLs. "
            "With a file: such a folder of features."
        ),
    ] = None,
    data_folder: DataOption = None,
    split: SplitOption = "test",
    model: ModelOption = None,
    layer: Annotated[
        str, typer.Option(help="penultimate, pixels, 'last maps', or a convolution's name.")
    ] = "penultimate",
    method: Annotated[str, typer.Option(help="pca, tsne or umap.")] = "tsne",
    dimensions: Annotated[int, typer.Option(min=2, max=3)] = 2,
    perplexity: Annotated[float, typer.Option(min=1)] = 40.0,
    iterations: Annotated[int, typer.Option(min=1, help="Largest number for t-SNE.")] = 500,
    seed: Annotated[int, typer.Option(min=0)] = 0,
    validation: ValidationOption = None,
    shipped: ShippedOption = False,
    engine: EngineOption = "local",
    workers: WorkersOption = None,
    address: AddressOption = None,
) -> None:
    """Map X-rays by their features, or write the features themselves.

    A dataset's map: pneumo embed --data DIR --split all --out map.csv

    Features of a dataset, with its labels: pneumo embed --data DIR --split all --out features/

    Features of any X-rays, without labels: pneumo embed SOURCE... --out features/

    A map of a folder of features: pneumo embed features/ --out map.parquet

    A map has a row per X-ray: id, patient, split, label (-1 if unknown),
    subtype, probability, x, y and, in three dimensions, z.

    A folder of features is written in parts; run again, the command resumes.

    Without --data and PNEUMO_DATA, or with --shipped, the features stored with
    the model are mapped.
    """
    from pneumo_core.checkpoints import load_checkpoint
    from pneumo_core.embeddings import maps_folder, project

    checkpoint = load_checkpoint(model or None)
    if not target.suffix or target.is_dir():
        options = BatchOptions(engine, workers, address)
        chosen = sources or _batch_items(checkpoint, data_folder, split, validation)
        raise typer.Exit(0 if _embed_batch(checkpoint, target, layer, chosen, options) else 1)
    write = _writer(target)
    features = _features_to_map(checkpoint, sources, data_folder, split, layer, validation, shipped)
    with progress_bar("Drawing the map") as drawing:
        found = project(
            features.values,
            method,
            dimensions=dimensions,
            perplexity=perplexity,
            iterations=iterations,
            seed=seed,
            progress=drawing,
        )
    say_left_out(features.unreadable.values())
    say_remarks(features.remarks)
    write(features, found)
    out.print(f"{len(features.table):,} X-rays in '{target}'.", markup=False)
    _say_merits(features, found)
    if target.suffix.lower() == ".parquet" and target.resolve().parent != maps_folder().resolve():
        out.print(f"Maps in '{maps_folder()}' are shown on the page Embeddings.", markup=False)


def _features_to_map(
    checkpoint: "Checkpoint",
    sources: list[str] | None,
    data_folder: Path | None,
    split: str,
    layer: str,
    validation: str | None,
    shipped: bool,
) -> "Features":
    """Return features of a folder of ``pneumo embed``, of a dataset, or stored with the model."""
    from pneumo_core.batch import read_features
    from pneumo_core.embeddings import features_of, shipped_features

    if sources:
        if len(sources) > 1 or not Path(sources[0]).is_dir():
            raise typer.BadParameter(
                "to map X-rays, first write their features: pneumo embed SOURCE --out FOLDER. "
                "Then name that folder."
            )
        with progress_bar("Reading features") as reading:
            return read_features(Path(sources[0]), progress=reading)
    folder = None if shipped else dataset_given(data_folder)
    if folder is None:
        return shipped_features(checkpoint, split)
    films = open_dataset(checkpoint, folder, validation).split(split)
    with progress_bar("Decoding X-rays") as decoding, progress_bar("Computing features") as bar:
        return features_of(checkpoint, films, layer, decoding=decoding, looking=bar)


def _say_merits(features: "Features", found: "Projection") -> None:
    """Print the quality of the map and of the features behind it, if labels are known."""
    from pneumo_core.embeddings import merit
    from pneumo_core.evaluation import UNLABELLED
    from pneumo_core.metrics import format_rate

    labels = features.table["label"].to_numpy()
    if (labels == UNLABELLED).any():
        return
    behind, on_map = merit(features.values, labels), merit(found.points, labels, features.values)
    out.print(
        f"10-nearest-neighbour purity {format_rate(behind.purity)} in the features, "
        f"{format_rate(on_map.purity)} on the map; silhouette {format_rate(behind.silhouette)} and "
        f"{format_rate(on_map.silhouette)}; trustworthiness {format_rate(on_map.trustworthiness)}."
    )


def _embed_batch(
    checkpoint: "Checkpoint",
    folder: Path,
    layer: str,
    chosen: "list[str] | tuple[str, list[dict[str, Any]]]",
    options: BatchOptions,
) -> bool:
    """Write features to a folder. Raises UnknownName for another layer."""
    from pneumo_core.batch import Work
    from pneumo_core.embeddings import PENULTIMATE, PIXELS, feature_layers
    from pneumo_core.errors import UnknownName

    if layer not in (PENULTIMATE, PIXELS):  # the others need torch to be listed
        layers = feature_layers(checkpoint)
        if layer not in layers:
            raise UnknownName("layer", layer, layers)
    work = Work("embed", checkpoint.name, checkpoint.card.version, layer=layer)
    if isinstance(chosen, list):
        return run_batch(folder, work, chosen, options)
    name, items = chosen
    return run_batch(folder, work, [name], options, items=items)


def _batch_items(
    checkpoint: "Checkpoint", given: Path | None, split: str, validation: str | None
) -> "tuple[str, list[dict[str, Any]]]":
    """Return a name for a dataset's split, and its X-rays as a batch's items."""
    from pneumo_core.errors import DatasetError

    dataset = open_dataset(checkpoint, dataset_folder(given), validation).split(split)
    if dataset.films["path"].duplicated().any():
        raise DatasetError(
            f"The X-rays of {dataset.name} are in one file, and a batch needs a file for each. "
            "Name a file for the map: --out map.parquet."
        )
    films = dataset.films.rename(columns={"path": "file"})
    columns = ["file", "id", "patient", "split", "label"]
    items = [dict(zip(columns, row, strict=True)) for row in films[columns].to_numpy().tolist()]
    return f"dataset {dataset.fingerprint}, {split}", items


def _writer(target: Path) -> "Callable[[Features, Projection], None]":
    """Return a function that writes the map. Raises PneumoError for another file type."""
    from pneumo_core.core.files import write_whole
    from pneumo_core.embeddings import as_table, map_as_parquet

    kinds: dict[str, Callable[[Features, Projection], bytes]] = {
        ".parquet": map_as_parquet,
        ".csv": lambda features, found: as_table(features, found).to_csv(index=False).encode(),
    }
    make = kinds.get(target.suffix.lower())
    if make is None:
        raise PneumoError(f"'{target}' is neither .parquet nor .csv. Name one of these.")
    remedy = "Choose another place."
    return lambda features, found: write_whole(target, make(features, found), remedy=remedy)
