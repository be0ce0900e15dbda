"""``pneumo lungs``: the lung finder, its card and its training."""

import json
from pathlib import Path
from typing import Annotated

import typer

from pneumo_core.cli._shared import app
from pneumo_core.cli._terminal import out, progress_bar

lungs = typer.Typer(help="The lung finder.", no_args_is_help=True)
app.add_typer(lungs, name="lungs")


@lungs.command("show")
def show_finder() -> None:
    """Print the card of the lung finder in use, as JSON: the one shipped, or PNEUMO_LUNGS."""
    from pneumo_core.lungs import lung_finder_card

    print(json.dumps(lung_finder_card(), indent=2, ensure_ascii=False))


@lungs.command("train")
def train_finder(
    films: Annotated[Path, typer.Option(help="Folder of X-rays, with a train and a test split.")],
    masks: Annotated[Path, typer.Option(help="An .npz with 'path' and packed 'mask'.")],
    folder: Annotated[Path, typer.Option("--out", help="Folder for lungs.onnx and card.json.")],
    about: Annotated[str, typer.Option(help="Whose X-rays, and who drew the masks.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the X-rays and masks.")] = "",
    attribution: Annotated[str, typer.Option(help="Where they come from.")] = "",
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Train a lung finder on the train X-rays that have a mask, and score it on the test ones."""
    from pneumo_core.training.lung_finder import Provenance, make_lung_finder

    given = {"data": about, "licence": licence, "attribution": attribution}
    provenance = Provenance(**{name: words for name, words in given.items() if words})
    with progress_bar("Training") as progress:
        card = make_lung_finder(
            films, masks, folder, provenance=provenance, seed=seed, progress=progress
        )
    out.print(f"Dice on {card['test_images']} test X-rays: {card['dice']}", markup=False)
    out.print(f"To use it: set PNEUMO_LUNGS to '{folder}'.", markup=False)
