"""``pneumo train`` and ``pneumo ensemble``: train models."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from pneumo_core.cli._runs import follow
from pneumo_core.cli._shared import (
    DataOption,
    ValidationOption,
    app,
    dataset_folder,
    log_action,
    print_card,
    validation_choice,
)
from pneumo_core.cli._terminal import err, progress_bar

if TYPE_CHECKING:
    from pneumo_core.training import TrainingConfig


@app.command()
def train(
    name: Annotated[str, typer.Option(help="Name of the model.")] = "",
    data_folder: DataOption = None,
    model: Annotated[str, typer.Option(help="Architecture to train.")] = "cnn_94",
    recipe_name: Annotated[str, typer.Option("--recipe", help="strong or paper.")] = "strong",
    pretrained: Annotated[
        str | None, typer.Option(help="auto, hub, package, none, or a file of weights.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Input size of a backbone, pixels.")] = None,
    framing: Annotated[
        str | None, typer.Option(help="What the network sees: lungs (the box around) or whole.")
    ] = None,
    folds: Annotated[
        int | None,
        typer.Option(min=0, help="Cross-validate by patient; the model is the mean of the folds."),
    ] = None,
    frozen_blocks: Annotated[
        int | None, typer.Option(min=0, help="First blocks of a backbone that are not trained.")
    ] = None,
    epochs: Annotated[int | None, typer.Option(min=1)] = None,
    batch_size: Annotated[int | None, typer.Option(min=2)] = None,
    learning_rate: Annotated[float | None, typer.Option()] = None,
    balance: Annotated[str | None, typer.Option(help="weights, repeat_normals, none.")] = None,
    mirror: Annotated[
        bool | None, typer.Option(help="Average over each X-ray and its mirror image.")
    ] = None,
    patience: Annotated[int | None, typer.Option(min=0, help="0: never stop early.")] = None,
    keep_epochs: Annotated[
        bool, typer.Option("--keep-epochs", help="Keep every epoch, for maps of the training.")
    ] = False,
    precision: Annotated[str | None, typer.Option(help="auto, 32-true, bf16-mixed.")] = None,
    validation: ValidationOption = None,
    cut: Annotated[
        str | None,
        typer.Option(hidden=True, help="Old form of --validation: replaces small splits."),
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    devices: Annotated[
        int | None, typer.Option(min=1, help="CPUs or GPUs, on each machine.")
    ] = None,
    nodes: Annotated[
        int | None,
        typer.Option(min=1, help="Machines; start this command on each with torchrun or SLURM."),
    ] = None,
    assignments: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="NAME=VALUE", help="Any setting, such as augmentation.rotation=10."
        ),
    ] = None,
    config_file: Annotated[
        Path | None, typer.Option("--config", help="TOML file with any settings.")
    ] = None,
    attribution: Annotated[str, typer.Option(help="Where the X-rays come from.")] = "",
    trained_on: Annotated[str, typer.Option(help="Patients: 'children of 1 to 5'.")] = "",
    overwrite: Annotated[bool, typer.Option(help="Replace a model of that name.")] = False,
    resume: Annotated[str | None, typer.Option(help="Resume this run instead.")] = None,
    detach: Annotated[bool, typer.Option(help="Do not wait for the end.")] = False,
) -> None:
    """Train a network and publish it as a model.

    Training runs in a separate process that survives a closed terminal. Ctrl-C cancels it.
    """
    from pneumo_core.runs import control, find_run
    from pneumo_core.training import recipe, settings_from, started_together, with_settings

    if resume:
        run = control.resume(find_run(resume))
        log_action("resumed", subject=run.name)
    elif name:
        config = recipe(
            recipe_name,
            model,
            pretrained=pretrained,
            size=size,
            framing=framing,
            folds=folds,
            frozen_blocks=frozen_blocks,
            mirror=mirror,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            balance=balance,
            patience=patience,
            keep_epochs=keep_epochs or None,
            precision=precision,
            validation=validation_choice(validation) or ("large" if cut else None),
            validation_cut=cut,
            seed=seed,
            devices=devices,
            nodes=nodes,
        )
        config = with_settings(config, settings_from(config_file, assignments or ()))
        about: _About = {
            "attribution": attribution,
            "trained_on": trained_on,
            "overwrite": overwrite,
        }
        if started_together(config):
            _train_together(dataset_folder(data_folder), name, config, about)
            return
        run = control.start(dataset_folder(data_folder), name, config, **about)
        log_action("started", subject=run.name)
    else:
        raise typer.BadParameter("give the new model a --name, or --resume a run")
    longest = "1 epoch" if run.config.all_epochs == 1 else f"{run.config.all_epochs} epochs"
    err.print(f"Run {run.id}: {run.config.model}, up to {longest}.")
    if detach:
        print(run.id)
        return
    print_card(follow(run))


class _About(TypedDict):
    attribution: str
    trained_on: str
    overwrite: bool


def _train_together(folder: Path, name: str, config: "TrainingConfig", about: _About) -> None:
    """Take part in a training of several processes; the first one prints."""
    from pneumo_core.runs import train_together
    from pneumo_core.runs.epoch_lines import EpochLines

    lines = EpochLines(config.all_epochs, partial(err.print, markup=False))
    made = train_together(folder, name, config, **about, listener=lines)
    if made is not None:
        log_action("added", subject=f"model {made.name}")
        print_card(made.name)


@app.command()
def ensemble(
    name: Annotated[str, typer.Argument(help="Name of the ensemble.")],
    members: Annotated[list[str], typer.Argument(help="Two or more models.")],
    data_folder: DataOption = None,
    overwrite: Annotated[bool, typer.Option(help="Replace a model of that name.")] = False,
) -> None:
    """Combine models: average their probabilities and calibrate the mean."""
    from pneumo_core.training import make_ensemble

    folder = dataset_folder(data_folder)
    with progress_bar("Decoding X-rays") as decoding:
        made = make_ensemble(folder, name, members, overwrite=overwrite, decoding=decoding)
    log_action("added", subject=f"ensemble {made.name}")
    print_card(made.name)
