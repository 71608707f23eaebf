-- How the host's database keeps text.
PRAGMA encoding;
