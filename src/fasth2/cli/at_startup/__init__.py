"""The folder that ``python -m fasth2 run`` puts on PYTHONPATH."""
