#!/bin/sh
# Logs that were written once are read the same for ever: values of every type,
# transactions, seen rows; one of a format to come is left alone.
here=$(dirname "$0")
cp -r "$here/version_1.kv" .
{
  echo .load ./kv
  cat "$here/version_1.sql"
} | $SQLITE :memory: 2>&1 | sed "s|$(pwd -P)/||g
  s/ near line [0-9]*:/:/; s/^Runtime error: /error: /; s/^Error: /error: /"
