#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# step.sh NAME COMMAND...: one line a step; the command's output only if it fails.

name=$1
shift
if output=$("$@" 2>&1 </dev/null); then
    printf '%-14s ok\n' "$name"
else
    status=$?
    printf '%-14s FAILED (status %s): %s\n%s\n' "$name" "$status" "$*" "$output"
    exit "$status"
fi
