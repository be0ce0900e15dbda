"""The four views of a dataset."""

from pathlib import Path

from pneumo_core.app.data.augmentation_preview import show_augmentation
from pneumo_core.app.data.dataset_overview import show_overview
from pneumo_core.app.data.quality_findings import show_findings
from pneumo_core.app.data.shortcut_audit import show_audit
from pneumo_core.app.data.thumbnails import show_random_images
from pneumo_core.app.widgets.linked_choice import choose_segment
from pneumo_core.datasets.quality import Inspection

__all__ = ["show_dataset"]

_VIEWS = {
    "findings": "Overview and findings",
    "shortcuts": "Shortcut audit",
    "films": "X-rays",
    "augmentation": "Augmentation",
}


def show_dataset(inspection: Inspection, location: Path) -> None:
    """Ask for the view, in step with the query parameter ``view``."""
    view = choose_segment("View", "view", _VIEWS, key="data view")
    if view == "films":
        show_random_images(inspection, location)
    elif view == "shortcuts":
        show_audit(inspection, location)
    elif view == "augmentation":
        show_augmentation(inspection)
    else:
        show_overview(inspection)
        show_findings(inspection, location)
