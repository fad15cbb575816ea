"""The recorded user: sends what was sent then, and is refused where it was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx

from device_grant.targets.ports import GrantView, NotHeld, Pages, UserError, UserModuleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.recordings.replay.player import Player
    from device_grant.recordings.tape import Action


class ReplayUser:
    """The recorded user: sends what was sent then, and is refused where it was refused."""

    def __init__(self, player: Player, steps: Sequence[str] | None) -> None:
        self._player = player
        self.pages: Pages | None = None
        if steps is not None:
            self.pages = Pages(
                sign_in=self._sign_in if "sign_in" in steps else None,
                confirmation=self._confirmation if "confirmation" in steps else None,
                enter=self._enter if "enter" in steps else None,
            )

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises UserError where the pages did not let the user, and NotHeld."""
        self._act("approve", http, grant.user_code)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises as approve does."""
        self._act("deny", http, grant.user_code)

    def _sign_in(self, http: httpx.Client) -> None:
        self._act("sign_in", http, "")

    def _confirmation(self, http: httpx.Client, grant: GrantView) -> httpx.Response:
        return self._page("confirmation", http, grant.user_code)

    def _enter(self, http: httpx.Client, user_code: str, _: str) -> httpx.Response:
        return self._page("enter", http, user_code)

    def _page(self, do: str, http: httpx.Client, code: str) -> httpx.Response:
        action, responses = self._act(do, http, code)
        response = None if action.returned is None else responses.get(action.returned)
        if response is None:
            raise NotHeld(f"{self._player.playback.tape.place}: the page that {do} of {code} led to is missing")
        return response

    def _act(self, do: str, http: httpx.Client, code: str) -> tuple[Action, dict[int, httpx.Response]]:
        playback = self._player.playback
        action = self._player.action(do, code)
        own = [place for place, entry in enumerate(playback.tape.entries) if entry.action == playback.acting]
        responses: dict[int, httpx.Response] = {}
        try:
            # A client that waits and asks again, as the pages demand, takes more than one of them at a time.
            while (place := playback.next_of_action()) is not None:
                entry = playback.tape.entries[place]
                request = http.build_request(entry.request.method, self._player.url(entry))
                try:
                    response = http.send(request, follow_redirects=False)
                except httpx.HTTPError:
                    continue
                responses[own.index(playback.last)] = response
        finally:
            playback.acting = None
        if action.refused is not None:
            raise (UserModuleError if action.broke else UserError)(action.refused)
        return action, responses
