"""What a recording has draw the generated cases."""


class Drawing:
    """A sampler that keeps nothing: cases are drawn before they are judged, as for a recording."""

    def cases(self, _batch, draw, _codec):
        return draw()

    def kept(self, _batch):
        return None

    def keep(self, _batch, _case):
        pass
