"""HTML: the page of a report, and what is drawn on it alone."""
