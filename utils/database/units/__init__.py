"""What happens together within one transaction."""
