"""A person without code: an account, and pages used as people use them.

`words` says what words mean, `controls` what fields and buttons are, `reading` makes a page of an answer; `filling` is
what is typed, `deciding` what is pressed, `walk` the way through the pages, `going` its requests, `scripted` those of a
real browser; `account` holds the password, `outline` says in a line what a page is like. `user` is all of it.
"""

from __future__ import annotations

from device_grant.targets.users.login.account import Account, account_of
from device_grant.targets.users.login.user import LoginUser

__all__ = ["Account", "LoginUser", "account_of"]
