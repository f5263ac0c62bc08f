"""The certificate of the servers that gunicorn runs here."""
