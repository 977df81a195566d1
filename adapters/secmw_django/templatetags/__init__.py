"""The template tags: ``{% load secmw %}``."""
