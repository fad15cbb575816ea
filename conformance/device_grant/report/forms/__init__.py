"""Forms for services and other programs: Markdown, JUnit, SARIF, the badge, and the verdict as JSON."""
