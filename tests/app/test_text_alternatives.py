"""Whatever a page shows that is no text says in words what it is."""

import ast
from collections.abc import Iterator

from tests.app.test_pages import ROOT

PICTURES = {"plotly_chart", "image", "dataframe"}


def _pictures() -> Iterator[tuple[str, ast.Call]]:
    sources = [ROOT / "streamlit_app.py", *(ROOT / "pages").glob("*.py")]
    sources += (ROOT / "pneumo_core" / "app").rglob("*.py")
    for source in sources:
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in PICTURES
            ):
                yield f"{source.relative_to(ROOT)}:{node.lineno}", node


def test_every_chart_picture_and_table_has_a_text_alternative() -> None:
    pictures = dict(_pictures())
    assert len(pictures) > 20
    without = [
        place
        for place, call in pictures.items()
        if "alt" not in {each.arg for each in call.keywords}
    ]
    assert not without
