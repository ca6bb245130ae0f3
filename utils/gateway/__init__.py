"""The gateway: logs in to Discord and stays connected; words the reason when Discord ends that for good."""
