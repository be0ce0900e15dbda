"""The pages of the documentation site that are made from the code: ``make docs``.

``hooks.py`` is what MkDocs calls; the other modules return a page each, as Markdown.
"""
