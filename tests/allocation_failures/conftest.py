"""Leaves these tests out where allocations cannot be made to fail."""
import sysconfig

import pytest

#: CPython without the lock has an allocator of its own that cannot be replaced: it refuses PYTHONMALLOC=malloc.
WITHOUT_LOCK = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def pytest_collection_modifyitems(items):
    if WITHOUT_LOCK:
        skip = pytest.mark.skip(reason="the allocator of an interpreter without the lock cannot be replaced")
        for item in items:
            if "allocation_failures" in item.path.parts:
                item.add_marker(skip)
