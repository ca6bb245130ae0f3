"""Health: probes, incidents, the status file and the metrics."""
