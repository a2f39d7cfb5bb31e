"""Write workflows for Karakuri: look at a screen, use mouse and keyboard, read, check, report.

    from karakuri import desktop as d, run

    app = d.launch("mousepad")
    d.type_text("Hello")
    d.expect('text:"Hello"')
    run.output("greeting", "Hello")

`desktop` holds what concerns the screen, `run` what concerns the run. Both speak to the agent over
file descriptor 3, which `karakuri run` provides; the script has no other way out of its sandbox.
"""

from . import desktop, run
from ._report import install as _install
from .errors import (
    AmbiguousTarget,
    AppFailed,
    BudgetExceeded,
    ChannelClosed,
    Denied,
    Internal,
    InvalidParams,
    KarakuriError,
    NotApproved,
    NotFound,
    Timeout,
    Unsupported,
)
from .results import (
    ActResult,
    Control,
    Hit,
    Launched,
    Line,
    Money,
    Point,
    Rect,
    Text,
    Window,
    Word,
)
from .targets import Target

__all__ = [
    "ActResult",
    "AmbiguousTarget",
    "AppFailed",
    "BudgetExceeded",
    "ChannelClosed",
    "Control",
    "Denied",
    "Hit",
    "Internal",
    "InvalidParams",
    "KarakuriError",
    "Launched",
    "Line",
    "Money",
    "NotApproved",
    "NotFound",
    "Point",
    "Rect",
    "Target",
    "Text",
    "Timeout",
    "Unsupported",
    "Window",
    "Word",
    "desktop",
    "run",
]

_install()
