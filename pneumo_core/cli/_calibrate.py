"""``pneumo calibrate``: fit a model to a site's own labelled X-rays."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pneumo_core.cli._shared import (
    DataOption,
    JsonOption,
    ModelOption,
    app,
    dataset_folder,
    log_action,
)
from pneumo_core.cli._terminal import progress_bar

if TYPE_CHECKING:
    from pneumo_core.evaluation.site_calibration import SiteCalibration
    from pneumo_core.metrics import Estimate


@app.command()
def calibrate(
    name: Annotated[str, typer.Argument(help="Name of the calibrated model.")],
    model: ModelOption = None,
    data: DataOption = None,
    as_json: JsonOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing.")] = False,
) -> None:
    """Fit temperature and operating points to 100 or more labelled X-rays of one site."""
    from pneumo_core.checkpoints import check_free, load_checkpoint
    from pneumo_core.evaluation import dataset_scores
    from pneumo_core.evaluation.site_calibration import fit_site, save_site, scan_site

    checkpoint = load_checkpoint(model)
    check_free(name, root=checkpoint.folder.parent)
    dataset = scan_site(checkpoint, dataset_folder(data))
    with progress_bar("Decoding") as decoding, progress_bar("Reading") as scoring:
        scores = dataset_scores(checkpoint, dataset, decoding=decoding, scoring=scoring)
    fitted = fit_site(checkpoint.card, scores.labelled)
    if not dry_run:
        save_site(checkpoint, fitted, name)
        log_action("added", subject=f"model {name}")
    told = _told(fitted, name)
    if as_json:
        print(json.dumps(told))
        return
    print(f"{name}: fitted on {told['films']} X-rays" + (", not written" if dry_run else ""))
    for figure, (value, low, high) in told["figures"].items():
        print(f"  {figure:14} {value:.3f} ({low:.3f} to {high:.3f})")
    for point in fitted.points:
        print(f"  {point.name:14} {point.threshold:.3f}")


def _told(fitted: "SiteCalibration", name: str) -> dict[str, Any]:
    found: dict[str, Estimate] = {"temperature": fitted.temperature}
    for when, figures in (("before", fitted.before), ("after", fitted.after)):
        found |= {f"{figure} {when}": value for figure, value in figures.items()}
    intervals = {each: (value.value, value.low, value.high) for each, value in found.items()}
    points = {each.name: each.threshold for each in fitted.points}
    return {"model": name, "films": len(fitted.table), "figures": intervals, "points": points}
