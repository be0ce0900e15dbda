"""Log: what was done here, by whom, and what came of it."""

from pneumo_core.app import open_page

with open_page("Log"):
    # These take a while at the first visit: by now the frame is on the screen.
    from pneumo_core.app.log.log_table import show_log
    from pneumo_core.app.widgets.model_choice import say_what_is_missing

    show_log()
    say_what_is_missing()
