"""Every behaviour once, for every interface, framework and server: see client.py for how a test speaks to them."""
