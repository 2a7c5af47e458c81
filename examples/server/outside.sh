# What a server is told of the world around it.
export BATON_NET_ALLOW="$(cat host)" # a receiver on this machine is no public address
export OTEL_EXPORTER_OTLP_ENDPOINT="http://$(cat host)"
export OTEL_BSP_SCHEDULE_DELAY=100
