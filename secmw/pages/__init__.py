"""The pages secmw answers with itself. Nothing here decides: a refusal comes in, the answer to send goes out."""

from __future__ import annotations

from secmw.pages.render import refusal

__all__ = ["refusal"]
