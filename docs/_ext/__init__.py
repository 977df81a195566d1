"""The reference pages, written from secmw itself when the docs are built. Nothing here is shipped."""
