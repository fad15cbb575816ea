"""The commands on traffic that is kept: it is recorded, replayed, judged, and compared with a live server."""
