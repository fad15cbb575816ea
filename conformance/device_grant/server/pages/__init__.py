"""Who is at the pages in a case: `Visitor` without script, `Window` in Chromium, and those who decide in step."""
