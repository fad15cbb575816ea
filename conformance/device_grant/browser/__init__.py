"""Pages as a browser sees them, for whoever needs them: no check, no target and no user is known here.

`markup` reads what is in a page, `page` is a page as it came and sends its forms, `chromium` is the one browser process
of a run, `tab` one tab of it.
"""
