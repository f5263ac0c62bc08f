"""A stream that ends when memory is short: what was sent is also what the connection believes."""
import subprocess
import sys
import textwrap


def test_a_response_is_sent_whole_or_not_at_all():
    """Each allocation of respond() fails in turn: MemoryError and nothing sent, or a stream that is over."""
    result = subprocess.run([sys.executable, "-c", textwrap.dedent("""
        import _testcapi
        from tests.support import frames
        from tests.support.fields import request
        from tests.support.play import server

        failures = 0
        for start in range(1, 200):
            connection = server(rfc_errors=True)
            connection.receive_data(frames.PREFACE + bytes(frames.settings()) + bytes(request(1)))
            connection.data_to_send()
            _testcapi.set_nomemory(start, start + 1)
            try:
                connection.respond(1, 204, [])
            except MemoryError:
                failed = True
            else:
                failed = False
            finally:
                _testcapi.remove_mem_hooks()
            sent = connection.data_to_send()
            assert bool(sent) == (not failed), (start, sent)
            assert connection.open_inbound_streams == (1 if failed else 0), start
            failures += failed
            if not failed and start > 50:
                break
        print(failures)
    """)], capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr[-1000:]
    assert int(result.stdout) >= 1
