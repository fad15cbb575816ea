"""Pages as a browser sees them: forms and text by a parser, and a real Chromium."""
