"""Reading what a server hands over, one file per interface. See :mod:`secmw.asgi` and :mod:`secmw.wsgi`."""
