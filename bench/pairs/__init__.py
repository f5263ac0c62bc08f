"""Both sides of a connection in one process, one file for each package; ``bench.exchanges`` names them.

A pair is a module with these names:

* ``connect()``: make a client and a server that have written their SETTINGS;
* ``output(connection)``: the octets that one of them has to write;
* ``ask(client, requests)``: send requests, each a list of fields, without a body;
* ``serve(server, parts, answer, seen)``: give the server octets, part by part, and answer each request as it ends with
  ``answer``: status, fields, body, and the body cut into frames;
* ``read(client, parts, seen)``: give the client octets, part by part; return how many responses have ended;
* ``plain(event)``: what an event says, for the check.

Each looks at every header list and every part of a body, appends its event to ``seen``, and returns the credit of what
it has read. It makes the calls that its package suggests.
"""
