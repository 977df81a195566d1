"""The settings table, and how values reach it: mapping, TOML file, environment.

One table feeds Python, TOML, the environment and the reference page of the docs; nothing is written twice.
"""

from secmw.config.durations import seconds
from secmw.config.settings import Cookies, Hsts, Sessions, Xsrf

__all__ = ["Cookies", "Hsts", "Sessions", "Xsrf", "seconds"]
