"""The page "State of the device grant": what published reports say of the field, in numbers, made from them alone."""

from tools.state.page import state_page

__all__ = ["state_page"]
