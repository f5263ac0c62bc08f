"""fasth2 under uvicorn."""
