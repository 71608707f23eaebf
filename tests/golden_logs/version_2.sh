#!/bin/sh
# Old logs are always read the same way: values of every type, transactions,
# seen rows. A log of a later format is left alone.
here=$(dirname "$0")
name=$(basename "$0" .sh)
cp -r "$here/$name.kv" .
{
  echo .load ./kv
  cat "$here/$name.sql"
} | $SQLITE :memory: 2>&1 | sed "s|$(pwd -P)/||g
  s/ near line [0-9]*:/:/; s/^Runtime error: /error: /; s/^Error: /error: /"
