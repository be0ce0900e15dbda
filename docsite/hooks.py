"""What MkDocs calls while it builds: adds the generated pages, and points links into the site."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from docsite import command_line, model_pages, settings_page  # noqa: E402
from docsite.links import ROOT_PAGES, point_into_site  # noqa: E402

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import File, Files
    from mkdocs.structure.pages import Page


_SHIM = "assets/javascripts/iframe-worker.js"
_SHIM_ON_THE_WEB = "https://unpkg.com/iframe-worker/shim"
"""Where the theme loads from what search needs in pages that are opened from a folder."""


def generated_pages() -> dict[str, str]:
    """Return every generated page: its path below ``docs/`` to its Markdown."""
    pages = {
        "reference/command-line.md": command_line.page(),
        "reference/settings.md": settings_page.page(),
        **model_pages.pages(ROOT / "checkpoints"),
    }
    for name, path in ROOT_PAGES.items():
        pages[path] = point_into_site((ROOT / name).read_text(encoding="utf-8"), name, path)
    return pages


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the generated pages."""
    from mkdocs.structure.files import File

    for path, markdown in generated_pages().items():
        files.append(File.generated(config, path, content=markdown))
    shim = Path(__file__).with_name("iframe-worker.js")
    files.append(File.generated(config, _SHIM, abs_src_path=str(shim)))
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """Point links to the pages at the top of the repository to their copies in the site."""
    file: File = page.file
    if file.generated_by:
        return markdown
    return point_into_site(markdown, f"docs/{file.src_uri}", file.src_uri)


def on_post_page(output: str, page: "Page", config: "MkDocsConfig") -> str:
    """Load every script from the site itself."""
    up = "../" * page.url.count("/")
    return output.replace(_SHIM_ON_THE_WEB, f"{up}{_SHIM}")


def on_post_template(output_content: str, template_name: str, config: "MkDocsConfig") -> str:
    """Load every script from the site itself; the page for missing pages lies anywhere."""
    return output_content.replace(_SHIM_ON_THE_WEB, f"/{_SHIM}")
