"""What every test needs when the suite runs under the sanitizers (``make test-sanitize``)."""
import os
import subprocess
import sys

from tests.support.sanitized import SANITIZED

SANITIZERS = ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS", "PYTHONMALLOC")

if SANITIZED:
    start = subprocess.Popen.__init__

    def start_suitably(self, args, *rest, **options):
        """Start a program: an interpreter always with the sanitizers, anything else without (curl hangs on them)."""
        env = dict(os.environ if options.get("env") is None else options["env"])
        if isinstance(args, (list, tuple)) and args[0] == sys.executable:
            env = {**{name: os.environ[name] for name in SANITIZERS}, **env}
        else:
            env.pop("LD_PRELOAD", None)
        start(self, args, *rest, **{**options, "env": env})

    subprocess.Popen.__init__ = start_suitably
