"""secmw inside Starlette and FastAPI applications."""
