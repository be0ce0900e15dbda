"""Log: what was done here, by whom, and what came of it."""

from pneumo_core.dashboard import open_page
from pneumo_core.dashboard.audit_log.view import show_log

with open_page("Log"):
    show_log()
