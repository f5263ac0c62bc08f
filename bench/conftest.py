"""Options of the benchmarks, and what the raw results say about their making."""
import datetime
import platform
from importlib.metadata import version

from .floor import version as floor_version

COMPARED = ("fasth2", "h2", "hpack", "hyperframe", "ngh2", "zttp", "gunicorn", "pytest-benchmark")


def pytest_addoption(parser):
    parser.addoption(
        "--bench-rounds", type=int, default=31, help="How often each contestant serves each workload (31)."
    )


def _version(package):
    if package == "fasth2":
        import fasth2

        return fasth2.__version__
    return version(package)


def pytest_benchmark_update_machine_info(config, machine_info):
    machine_info.pop("node", None)
    machine_info["versions"] = {package: _version(package) for package in COMPARED}
    machine_info["versions"]["libnghttp2"] = floor_version()
    machine_info["compiler"] = platform.python_compiler()


def pytest_benchmark_update_json(config, benchmarks, output_json):
    output_json["date"] = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    output_json["rounds"] = config.getoption("--bench-rounds")
