# The run's events since the last time, for so many seconds: sh follow.sh 2
. ./caller.sh
[ -s place ] || echo 0 > place
curl -sN -m "$1" -H 'accept: text/event-stream' -H "authorization: Bearer $BATON_API_KEY" -H "last-event-id: $(cat place)" \
  "$BATON_SERVER/api/v1/runs/$(cat run)/events" > stream
sed -n 's/^id: //p' stream | tail -n 1 > place
awk '/^id: / { id = $2 } /^event: / { if (id || $2 == "end") print (id ? id " " : "") $2; id = "" }' stream
