"""HPACK with each allocation failing in turn: a MemoryError, nothing lost, and the encoder's table as it was."""
import subprocess
import sys
import textwrap


def run_alone(script):
    """Run a script in an interpreter of its own: failing allocations may leave one unusable."""
    result = subprocess.run([sys.executable, "-c", textwrap.dedent(script)],
                            capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr[-2000:]
    assert result.stdout.split()[-1] == "done"
    return int(result.stdout.split()[-2])


def test_an_encoder_that_runs_out_of_memory_keeps_its_table():
    failures = run_alone("""
        import _testcapi
        from fasth2.hpack.decoder import Decoder
        from fasth2.hpack.encoder import Encoder

        fields = [(b"name-%d" % n, b"value-%d" % n) for n in range(40)]
        failures = 0
        for start in range(1, 2000):
            encoder, decoder = Encoder(), Decoder()
            decoder.decode(encoder.encode(fields[:3]))
            encoder.header_table_size = 3000
            before = encoder.header_table
            _testcapi.set_nomemory(start, start + 1)
            try:
                block = encoder.encode(fields)
            except MemoryError:
                block = None
            finally:
                _testcapi.remove_mem_hooks()
            if block is not None:
                assert encoder.header_table.dynamic_entries[0] == fields[-1]
                break
            failures += encoder.header_table == before
            if encoder.header_table == before:
                block = encoder.encode(fields)
                assert decoder.decode(block, raw=True) == fields
                assert decoder.header_table == encoder.header_table
            else:
                # All was encoded, and no memory left for the block.
                assert encoder.header_table.dynamic_entries[:40] == fields[::-1]
                assert start > failures
        print(failures, "done")
    """)
    assert failures > 10


def test_a_decoder_that_runs_out_of_memory_raises_and_frees_what_it_had():
    failures = run_alone("""
        import _testcapi
        from fasth2.hpack.decoder import Decoder
        from fasth2.hpack.encoder import Encoder

        fields = [(b"name-%d" % n, b"value-%d" % n * 400 * (n % 3)) for n in range(40)]
        block = Encoder().encode(fields)
        failures = 0
        for encoding in (None, "utf-8"):
            for start in range(1, 5000):
                decoder = Decoder(10**6, encoding=encoding)
                _testcapi.set_nomemory(start, start + 1)
                try:
                    decoder.decode(block, raw=True)
                except MemoryError:
                    failed = True
                else:
                    failed = False
                finally:
                    _testcapi.remove_mem_hooks()
                if not failed:
                    break
                failures += 1
                decoder.header_table_size = 0
        print(failures, "done")
    """)
    assert failures > 100
