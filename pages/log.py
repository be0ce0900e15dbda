"""Search the audit log, and see how readers and models agree."""

from pneumo_core.app import open_page

with open_page("Log", wide=True):
    # Slow on the first visit; the frame of the page is already on the screen.
    from pneumo_core.app.log.log_table import show_log
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    show_log()
    say_what_is_missing()
