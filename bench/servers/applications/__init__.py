"""What the servers serve; each module has an ``application``, and answers GET / with 13 octets."""
