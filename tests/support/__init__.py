"""What several test directories share: frames as octets, and connections played with every cut."""
