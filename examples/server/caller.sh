# Who asks, and whom: nothing else is needed, and none of it is on the server's machine.
export BATON_SERVER="$(cat server)"
export BATON_API_KEY="$(cat ana.key)"
export BATON_DATA=elsewhere
