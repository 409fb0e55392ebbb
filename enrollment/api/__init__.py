"""Registration over HTTP: ask, be answered at once with a place in line, look later."""
