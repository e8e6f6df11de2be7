#!/bin/bash
# supervise.sh COMMAND...: runs a command until it ends or until standard input does, which it does
# when the process that holds its other end dies in any way.
exec 3<&0
"$@" </dev/null &
child=$!
# cat returns at the end of its input; nothing is ever written to it.
{ cat <&3 >/dev/null; kill -9 "$child"; } 2>/dev/null &
watcher=$!
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
