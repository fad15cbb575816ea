"""Servers that the suite starts itself: what they write, whom they leave behind, how they die."""

from hostile.modes import AWS, REACHING, RFC, Mode

POLL = REACHING["start"][1:]

EARLY = (
    "escapes",
    "raw octets",
    "long line",
    "long line of escapes",
    "many lines",
    "flood",
    "endless flood",
    "children",
    "daemon",
    "silent daemon",
    "daemon without a name",
    "stubborn",
    "stubborn children",
    "ends",
    "ends well",
    "killed",
    "crashed",
    "stopped",
    "closes its outputs",
    "kills its group",
    "noise",
)
LATE = ("escapes", "ends", "killed", "stopped", "flood", "kills its group")

MODES = [
    *(
        Mode(f"launched: {deed}", None, (RFC,) if number % 2 else (AWS,), POLL, terminal=True, launched=deed)
        for number, deed in enumerate((*EARLY, *(f"late {deed}" for deed in LATE)))
    ),
    *(
        Mode(f"launched, dies: {deed}", None, (RFC,), POLL, terminal=True, launched=f"{deed} and ends")
        for deed in ("escapes", "long line of escapes", "raw octets", "daemon")
    ),
]
