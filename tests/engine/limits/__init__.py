"""The limits of THREATS.md, one file each: crossed, kept at nine tenths, switched off."""
