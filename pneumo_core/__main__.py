"""``python -m pneumo_core`` is ``pneumo``."""

from pneumo_core.cli import main

if __name__ == "__main__":
    main()
