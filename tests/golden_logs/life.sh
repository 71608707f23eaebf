#!/bin/sh
# What a log leaves in the course of its life is always read the same way: sealed files,
# a compacted log, the copy of a retired device's log, typed rows.
. "$(dirname "$0")/version_2.sh"
