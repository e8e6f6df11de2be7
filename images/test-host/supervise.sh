#!/bin/bash
# supervise.sh COMMAND...: runs a command until it ends or until standard input does, which it does
# when the process that holds its other end dies in any way.
exec 3<&0
"$@" </dev/null &
child=$!
# It ends with the input, to which nothing is ever written. Not a process of its own: that would
# outlive the watcher, and keep what tells our parent of our end.
{ read -r <&3; kill -9 "$child"; } 2>/dev/null &
watcher=$!
wait "$child"
status=$?
# It may have been started with other signals blocked.
kill -9 "$watcher" 2>/dev/null
exit "$status"
