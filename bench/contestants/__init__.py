"""What is compared, one file each; ``bench.rows`` names them.

A contestant is a module with two names:

* ``connect()``: make a server connection that has written its SETTINGS;
* ``serve(connection, reads, next_answer, send)``: give it the reads one after another,
  answer each request as it ends with what ``next_answer`` returns, and hand the bytes
  to write to ``send`` once a read.

Each does that work through its own natural calls and looks at the header list of every
request and the body of every DATA frame.
"""
