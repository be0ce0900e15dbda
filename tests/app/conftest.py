import pytest


@pytest.fixture(autouse=True, scope="session")
def _quick_pages(components_scanned_once: None) -> None:
    """Pages open without searching all installed packages again."""
